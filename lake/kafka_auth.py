"""How a Kafka client proves who it is: not at all (the embedded broker), or by IAM (MSK).

Spark's source and the JVM's clients do it by AWS's own plug-in (`aws-msk-iam-auth`, group `glue` of the jars' lock);
confluent-kafka by OAUTHBEARER, with tokens that AWS's signer makes (extra `msk`). Both sign with the credentials of the
process: the job's role on Glue.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from schemas.errors import LakeError

NONE: Final = "none"
IAM: Final = "iam"
CHOICES: Final = (NONE, IAM)

Token = tuple[str, float]
"""A token, and the second since 1970 in which it expires."""

_REGION: Final = re.compile(r"\.([a-z]{2}(?:-[a-z]+)+-\d)\.amazonaws\.com(?:\.cn)?(?::\d+)?(?:,|$)")
_JVM_IAM: Final = {
    "security.protocol": "SASL_SSL",
    "sasl.mechanism": "AWS_MSK_IAM",
    "sasl.jaas.config": "software.amazon.msk.auth.iam.IAMLoginModule required;",
    "sasl.client.callback.handler.class": "software.amazon.msk.auth.iam.IAMClientCallbackHandler",
}


class KafkaAuthError(LakeError):
    """The way to prove who one is, is unknown, or cannot be gone."""


def jvm_options(auth: str) -> dict[str, str]:
    """Options of a Kafka client in the JVM.

    Args:
        auth: one of `CHOICES`.

    Raises:
        KafkaAuthError: it is none of them.
    """
    return dict(_JVM_IAM) if _checked(auth) == IAM else {}


def client_options(bootstrap: str, auth: str) -> dict[str, Any]:
    """Options of a confluent-kafka client, its broker's address among them.

    Args:
        bootstrap: bootstrap servers, HOST:PORT,….
        auth: one of `CHOICES`.

    Raises:
        KafkaAuthError: it is none of them, or the region cannot be told.
    """
    options: dict[str, Any] = {"bootstrap.servers": bootstrap}
    if _checked(auth) == NONE:
        return options
    iam = {"security.protocol": "SASL_SSL", "sasl.mechanisms": "OAUTHBEARER", "oauth_cb": _tokens(region_of(bootstrap))}
    return options | iam


def region_of(bootstrap: str) -> str:
    """The region of an MSK cluster: its address's, or where that has none (a name of one's own) the session's.

    Raises:
        KafkaAuthError: neither tells it.
    """
    found = _REGION.search(bootstrap)
    if found:
        return found[1]
    import boto3

    region = boto3.session.Session().region_name
    if region is None:
        raise KafkaAuthError("its region is not known", where=f"Kafka {bootstrap}", remedy="set AWS_REGION")
    return str(region)


def _tokens(region: str) -> Callable[[object], Token]:
    """What librdkafka calls for a token, at the start and before one expires."""

    def token(_: object) -> Token:
        from aws_msk_iam_sasl_signer import MSKAuthTokenProvider

        text, expires_ms = MSKAuthTokenProvider.generate_auth_token(region)
        return str(text), expires_ms / 1000

    return token


def _checked(auth: str) -> str:
    if auth not in CHOICES:
        remedy = f"use one of {', '.join(CHOICES)}; another way is for --client-options"
        raise KafkaAuthError(f"no way of authentication {auth!r}", where="Kafka", remedy=remedy)
    return auth
