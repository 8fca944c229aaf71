"""One call of an AWS service, and what it refuses as an error that says what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from schemas.errors import LakeError

_IDENTITY: Final = frozenset(
    {"ExpiredTokenException", "ExpiredToken", "InvalidSignatureException", "UnrecognizedClientException"}
)
_LOG_IN: Final = "set AWS_PROFILE, log in (aws sso login), or run where a role is given"


class AwsError(LakeError):
    """AWS does not answer, or refuses a call; `code` is its own name for it."""

    def __init__(self, what: str, *, where: str = "", remedy: str = "", code: str = "") -> None:
        super().__init__(what, where=where, remedy=remedy)
        self.code = code


def patient() -> Any:
    """The configuration of a client whose calls are tried again while AWS is busy."""
    from botocore.config import Config

    return Config(retries={"mode": "standard", "max_attempts": 6}, connect_timeout=10)


@contextmanager
def regions_named() -> Iterator[None]:
    """Within it, a client that finds no region is an `AwsError`."""
    from botocore.exceptions import NoRegionError

    try:
        yield
    except NoRegionError:
        raise AwsError("no region is set", where="AWS", remedy="set AWS_REGION, or a profile that has one") from None


def call(client: Any, operation: str, where: str, **request: Any) -> dict[str, Any]:
    """The answer to one call.

    Args:
        client: boto3's.
        operation: as boto3 spells it.
        where: what the call is about, for errors.
        request: its parameters.

    Raises:
        AwsError: no credentials, no right, no answer, or a refusal.
    """
    from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, PartialCredentialsError

    try:
        answer: dict[str, Any] = getattr(client, operation)(**request)
    except ClientError as error:
        told = error.response.get("Error", {})
        raise _refused(str(told.get("Code", "")), str(told.get("Message", "")), operation, where) from None
    except (NoCredentialsError, PartialCredentialsError):
        raise AwsError("there are no AWS credentials", where="AWS", remedy=_LOG_IN) from None
    except BotoCoreError as error:
        what = f"AWS does not answer ({type(error).__name__})"
        raise AwsError(what, where=where, remedy="check network, region and profile, then run it again") from None
    return answer


def _refused(code: str, message: str, operation: str, where: str) -> AwsError:
    if code in _IDENTITY:
        return AwsError(f"AWS does not take the credentials ({code})", where="AWS", remedy=_LOG_IN, code=code)
    if code.startswith("AccessDenied"):
        remedy = f"allow this identity the action of {operation}"
        return AwsError(f"AWS refuses {operation}", where=where, remedy=remedy, code=code)
    return AwsError(f"{operation} failed: {message} ({code})", where=where, remedy="correct what AWS names", code=code)
