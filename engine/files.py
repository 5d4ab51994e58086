"""Files of users: written whole or not at all, read up to a limit."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path
from secrets import token_hex

AnyPath = str | bytes | os.PathLike[str] | os.PathLike[bytes]


def write_file(path: AnyPath, content: bytes) -> Path:
    """Puts the content at `path`, by way of a draft beside it; whatever goes wrong, what was there stays.

    A file keeps its mode, a link its target, which is what is written. Returns the path.
    """
    asked = Path(os.fsdecode(path))
    mode = asked.stat().st_mode if asked.exists() else None
    if mode is not None and not stat.S_ISREG(mode):  # /dev/stdout, a pipe: nothing to keep, nothing to rename
        asked.write_bytes(content)
        return asked
    target = Path(os.path.realpath(asked))
    draft = target.with_name(f".{token_hex(8)}.draft")
    try:
        with open(
            draft, "xb", opener=lambda name, flags: os.open(name, flags, 0o600 if mode else 0o666)
        ) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if mode is not None:
            draft.chmod(stat.S_IMODE(mode))
        os.replace(draft, target)
    except BaseException as error:
        if isinstance(error, OSError):
            error.filename, error.filename2 = str(asked), None  # nobody knows the draft
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise
    return asked


def read_file(path: AnyPath, limit: int) -> bytes:
    """What stands in a regular file. Raises ValueError if there are more bytes than the limit, or if it is
    anything else, such as a pipe, which may never end."""
    # A pipe that nobody writes to would not even open without this flag.
    patient = getattr(os, "O_NONBLOCK", 0)
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | patient)) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ValueError("it is no regular file")
        content = file.read(limit + 1)
    if len(content) > limit:
        raise ValueError(f"it has more than {limit:,} bytes")
    return content
