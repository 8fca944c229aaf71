"""What can go wrong with a delivery."""

from __future__ import annotations

from schemas.errors import LakeError


class DeployError(LakeError):
    """A delivery cannot be made, or did not work."""


class ArtefactError(DeployError):
    """A file of a release is missing, or has other bytes than the release says."""


class TerraformError(DeployError):
    """Terraform is not there, or refused; its own messages are in the text, its values are not."""


class StateLockedError(TerraformError):
    """Another run holds the state's lock."""


class StalePlanError(TerraformError):
    """The state, or the environment's last deployment, is newer than the plan."""


class NotLoggedInError(DeployError):
    """AWS has no valid credentials from this process."""


class DataLossError(DeployError):
    """A plan would destroy what holds data."""
