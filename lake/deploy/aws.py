"""Calls of AWS, and their errors in the lake's words."""

from __future__ import annotations

from typing import Any, Final

from lake.deploy.errors import DeployError
from lake.deploy.terraform import not_logged_in

_LOGIN: Final = (
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidClientTokenId",
    "UnrecognizedClientException",
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "AuthFailure",
)
_DENIED: Final = ("Forbidden", "ForbiddenException", "UnauthorizedException", "403")
_NO_CREDENTIALS: Final = ("NoCredentialsError", "PartialCredentialsError", "TokenRetrievalError", "SSOTokenLoadError")


def client(service: str) -> Any:
    """boto3's client of a service, in the session's region, which tries again by itself.

    Raises:
        DeployError: no region is known.
    """
    import boto3
    from botocore.config import Config
    from botocore.exceptions import NoRegionError

    try:
        return boto3.client(service, config=Config(retries={"mode": "standard", "max_attempts": 6}))  # type: ignore[call-overload]
    except NoRegionError:
        raise DeployError("no region is set", where=service, remedy="set AWS_REGION, or region in a profile") from None


def refused(error: Exception, where: str, service: str) -> DeployError:
    """The error for a call that AWS refused or that did not reach it; its code, without its text."""
    response: dict[str, Any] = getattr(error, "response", None) or {}
    code = str(response.get("Error", {}).get("Code", "")) or type(error).__name__
    if code in _LOGIN or code in _NO_CREDENTIALS:
        return not_logged_in(where)
    if code.startswith("AccessDenied") or code in ("Forbidden", "ForbiddenException", "UnauthorizedException", "403"):
        return DeployError(
            f"{service} denies it", where=where, remedy="use a role that may: docs/operations.md, Deploy"
        )
    return DeployError(f"{service} refused it ({code})", where=where, remedy="check account and region, then try again")


def caller() -> str:
    """The ARN that AWS knows this process by.

    Raises:
        NotLoggedInError: there are no valid credentials.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        arn: str = client("sts").get_caller_identity()["Arn"]
    except (BotoCoreError, ClientError) as error:
        raise refused(error, "AWS", "STS") from error
    return arn
