"""A file is refused if other users own it or may write it."""

import os
import sys
from pathlib import Path

import pytest

from engage_interactions.outbox import Outbox, OutboxError

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs users of Unix")


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666, 0o622])
@pytest.mark.parametrize("is_linked", [False, True])
@pytest.mark.parametrize("is_empty", [False, True])
def test_a_file_that_others_may_write_is_refused_and_not_changed(
    tmp_path: Path, mode: int, is_linked: bool, is_empty: bool
) -> None:
    path = tmp_path / "outbox.db"
    if is_empty:
        path.touch()
    else:
        Outbox(path).close()
    path.chmod(mode)
    before = path.read_bytes()
    link = tmp_path / "link.db"
    link.symlink_to(path)
    with pytest.raises(OutboxError, match="chmod 600"):
        Outbox(link if is_linked else path)
    assert path.read_bytes() == before
    path.chmod(0o600)
    Outbox(path).close()


def test_a_file_that_others_may_only_read_becomes_private(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    Outbox(path).close()
    path.chmod(0o644)
    Outbox(path).close()
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(getattr(os, "geteuid", int)() != 0, reason="only root can give files away")
@pytest.mark.parametrize(("owner", "is_refused"), [(65534, False), (0, False)])
def test_root_may_use_the_file_of_any_user(tmp_path: Path, owner: int, is_refused: bool) -> None:
    path = tmp_path / "outbox.db"
    Outbox(path).close()
    os.chown(path, owner, -1)
    assert not is_refused
    Outbox(path).close()
    assert path.stat().st_uid == owner


@pytest.mark.skipif(getattr(os, "geteuid", int)() != 0, reason="only root can change the user")
def test_a_file_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "outbox.db"
    Outbox(path).close()
    os.chown(path, 65534, -1)
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    with pytest.raises(OutboxError, match="belongs to another user"):
        Outbox(path)
