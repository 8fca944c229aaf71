"""Secrets by reference: `secret:NAME` stands for a secret of AWS Secrets Manager.

`secret:NAME#FIELD` stands for a field of one that is a JSON object.

Arguments and settings keep the reference, so what is logged or shown of them holds no secret. It is followed where the
value is used, each time anew: a rotated secret counts from the next start on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from schemas.errors import LakeError

PREFIX: Final = "secret:"
_REMEDIES: Final = {
    "ResourceNotFoundException": "check its name, the account and the region",
    "AccessDeniedException": "allow the job's role secretsmanager:GetSecretValue on it",
    "DecryptionFailure": "allow the job's role kms:Decrypt with the secret's key",
}


class SecretError(LakeError):
    """A secret cannot be had; names the reference, never a value."""


def is_reference(text: str) -> bool:
    """Whether the text stands for a secret."""
    return text.startswith(PREFIX)


def revealed(text: str, client: Any = None) -> str:
    """The secret that a reference stands for; any other text as it is.

    Args:
        text: `secret:NAME`, `secret:NAME#FIELD` (the name or the ARN), or a plain value.
        client: of Secrets Manager; one of the session's where none is given.

    Raises:
        SecretError: there is no such secret or field, or it may not be read.
    """
    if not is_reference(text):
        return text
    name, _, field = text.removeprefix(PREFIX).partition("#")
    if not name:
        raise SecretError(
            "the reference names no secret", where=text, remedy=f"write {PREFIX}NAME or {PREFIX}NAME#FIELD"
        )
    value = _value(name, text, client)
    return _field(value, field, text) if field else value


def all_revealed(options: Mapping[str, str], client: Any = None) -> dict[str, str]:
    """The options with every reference among their values followed.

    Raises:
        SecretError: as `revealed`.
    """
    return {name: revealed(value, client) for name, value in options.items()}


def _value(name: str, where: str, client: Any) -> str:
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        answer = (client or boto3.client("secretsmanager")).get_secret_value(SecretId=name)
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        remedy = _REMEDIES.get(code, "check the secret and the role's rights")
        raise SecretError(f"the secret cannot be read ({code})", where=where, remedy=remedy) from None
    except BotoCoreError as error:
        remedy = "check network, region and credentials"
        raise SecretError(
            f"Secrets Manager does not answer ({type(error).__name__})", where=where, remedy=remedy
        ) from None
    if "SecretString" not in answer:
        raise SecretError("the secret is binary", where=where, remedy="store it as text")
    return str(answer["SecretString"])


def _field(value: str, field: str, where: str) -> str:
    remedy = f"store the secret as a JSON object with a text {field!r}, or leave #{field} out"
    try:
        found = json.loads(value)
    except ValueError:
        raise SecretError("the secret is no JSON object", where=where, remedy=remedy) from None
    if not isinstance(found, dict) or not isinstance(found.get(field), str | int):
        raise SecretError("the secret has no such field", where=where, remedy=remedy)
    return str(found[field])
