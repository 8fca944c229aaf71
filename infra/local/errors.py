"""Errors of the embedded stack; each names the part and the remedy."""

from __future__ import annotations

from schemas.errors import LakeError


class DownloadError(LakeError):
    """A JVM artefact could not be fetched, or its SHA-256 differs from the lock."""


class JavaNotFoundError(LakeError):
    """No Java 17 or newer is at hand."""


class PartFailedError(LakeError):
    """A part of the stack died or did not become healthy in time; carries the end of its log."""


class StackDownError(LakeError):
    """A part that is needed is not running."""


class ConnectorError(LakeError):
    """Kafka Connect refused a connector, or its task failed."""


class SourceError(LakeError):
    """The source database lacks what the pipeline's contracts name."""


class UnsafeRemovalError(LakeError):
    """A folder that is not surely ours was about to be removed."""
