"""The course's secret and the seeds drawn from it.

The same problems for the whole class, unknown to students, replayable: the seed of a question is
an HMAC of the assignment's version and the question under a secret that git never sees.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import secrets
import tempfile
from pathlib import Path

from nbjudge.errors import ConfigurationError

SECRET_BYTES = 32
_FILE = Path(".nbjudge") / "course.secret"


def seed_for(secret: bytes, assignment_version: str, grade_id: str) -> bytes:
    """Return the 32-byte seed of one question of one version of an assignment."""
    message = f"{assignment_version}\0{grade_id}".encode()
    return hmac.new(secret, message, hashlib.sha256).digest()


def course_secret(root: Path) -> bytes:
    """Return the secret of the course at ``root``, made on first use (mode 600).

    Raises
    ------
    ConfigurationError
        If the file is there and is not a secret.
    """
    path = root / _FILE
    try:
        secret = bytes.fromhex(path.read_text("ascii").strip())
    except FileNotFoundError:
        _write(root, replace=False)
        return course_secret(root)
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"Reading the course secret {path}: {error}. Restore it from a backup, or delete it: "
            "a new one is made, and hidden tests draw new problems."
        ) from error
    if len(secret) != SECRET_BYTES:
        raise ConfigurationError(
            f"Reading the course secret {path}: expected {SECRET_BYTES} bytes in hexadecimal, got "
            f"{len(secret)}. Restore it from a backup, or delete it."
        )
    return secret


def reseed(root: Path) -> bytes:
    """Draw a new secret: hidden tests will use new problems.

    Raises
    ------
    ConfigurationError
        If it cannot be written.
    """
    return _write(root, replace=True)


def _write(root: Path, *, replace: bool) -> bytes:
    path = root / _FILE
    secret = secrets.token_bytes(SECRET_BYTES)
    try:
        path.parent.mkdir(exist_ok=True)
        # mkstemp makes it 0600; it gets its name whole or not at all.
        descriptor, name = tempfile.mkstemp(dir=path.parent)
        try:
            with os.fdopen(descriptor, "w") as stream:
                stream.write(secret.hex() + "\n")
            if replace:
                os.replace(name, path)
            else:
                # Of two first runs at once, one makes the secret and both use it.
                with contextlib.suppress(FileExistsError):
                    os.link(name, path)
        finally:
            Path(name).unlink(missing_ok=True)
    except OSError as error:
        raise ConfigurationError(f"Writing the course secret {path}: {error}.") from error
    return secret
