"""ARNs of IAM roles, where SQL takes them as text."""

from __future__ import annotations

import re
from typing import Final

from redshift_sql.render import RenderError

_ROLE: Final = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]{1,512}")
EXAMPLE_ROLE: Final = "arn:aws:iam::123456789012:role/lake-redshift"
"""Names no role that exists: to show, lint and test what is rendered."""


def role_arn(text: str) -> str:
    """The text, if it is the ARN of a role.

    Raises:
        RenderError: it is none.
    """
    if not _ROLE.fullmatch(text):
        raise RenderError("it is not the ARN of an IAM role", where="role", remedy=f"write it as {EXAMPLE_ROLE}")
    return text
