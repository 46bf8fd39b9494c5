"""The folders of the E-Port client: send, sent, failed, receive (transport_signature.md, sections 1 and 2).

We write under a name that the client does not look at and rename it whole. What the client writes is read when it has
not changed for a while and is a whole document; by the file server's own clock, for a share has another than we. It
leaves `receive` once it is in the ledger. A file in `failed` is told as the platform's refusal.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from adapters.cn_ecommerce import envelope, wire
from adapters.cn_ecommerce.channels.protocol import Head
from adapters.cn_ecommerce.channels.sender import BARE, ENVELOPE, message_of, sender_of
from adapters.cn_ecommerce.channels.settings import FolderSettings
from adapters.contract import Answer, NoPlace, Polled, Profile
from mappings import clock
from mappings.clock import CHINA
from mappings.errors import AuthorityRejected, AuthorityUnavailable, DataFault, OutcomeUnknown

log = logging.getLogger(__name__)
WRITTEN, REFUSED = "written", "0999"  # dxp_error 0999: other format error; the client does not say which
LOOK, ANSWER = ".tongguan-look", ".rep.xml"
_OWN = re.compile(r"^(?P<type>CEB\d{3}Message)(?P<id>.+?)_M\d+(?:_R)?$")


@dataclass(frozen=True)
class _Found:
    """A file that is ready, and what it says."""

    path: Path
    body: bytes


class Folder:
    """A Channel by files."""

    name = "folder"

    def __init__(self, settings: FolderSettings, profile: Profile) -> None:
        self.settings, self.profile = settings, profile
        self.form = BARE if settings.envelope == "none" else ENVELOPE

    def wrap(self, business: bytes, head: Head) -> bytes:
        """As it is: the client makes the envelope; or in a DxpMsg."""
        return business if self.settings.envelope == "none" else head.terminal(business)

    def send(self, sealed: bytes, cop_msg_id: str, recovery: bool = False) -> Answer:
        """Puts one file into the send folder. A recovery first looks where the client left the first one."""
        place, (type_, _) = self._place(sender_of(sealed)), message_of(sealed)
        if recovery and (known := self._again(place, cop_msg_id)):
            return known
        stamp = clock.now().astimezone(CHINA).strftime("%Y%m%d%H%M%S%f")[:17]
        name = f"{type_}{re.sub(r'[^A-Za-z0-9-]', '-', cop_msg_id)}_M{stamp}{'_R' * recovery}.xml"
        _write(place / self.settings.send / name, sealed)
        return Answer(WRITTEN, name, b"")

    def _place(self, dxp_id: str) -> Path:
        """The company's folders; where there is no send folder, a share is gone. Raises NoPlace."""
        place = Path(self.settings.path.format(dxp_id=dxp_id))
        for name in (self.settings.send, self.settings.receive):
            if not (place / name).is_dir():
                raise NoPlace(f"There is no folder {name} of the E-Port client / 客户端目录不存在: {name}")
        return place

    def _again(self, place: Path, cop_msg_id: str) -> Answer | None:
        """What became of a file written before, None when there is none."""
        for name in (self.settings.send, self.settings.sent):
            for file in _files(place / name):
                if cop_msg_id in file.name:
                    return Answer(WRITTEN, file.name, b"", duplicate=True)
        for file in _files(place / self.settings.failed):
            if cop_msg_id in file.name and not file.name.endswith(ANSWER):
                raise AuthorityRejected(f"{file.name} is in {self.settings.failed} / 客户端发送失败", REFUSED)
        return None

    def poll(self, dxp_id: str, since: str) -> Polled:
        """The files that are whole; `stored` takes them away. Raises AuthorityUnavailable."""
        place, most = self._place(dxp_id), int(self.profile.value("answers_per_poll"))
        try:
            now = _file_time(place / self.settings.receive)
            received = list(self._ready(place / self.settings.receive, now, most))
            failed = list(self._ready(place / self.settings.failed, now, most))
        except OSError as error:
            raise AuthorityUnavailable(f"The client's folders cannot be read: {error} / 目录无法读取") from error
        refused = [one for one in failed if not one.path.name.endswith(ANSWER)]
        bodies = [one.body for one in received] + [self._refusal(one, dxp_id) for one in refused]
        moved = [*received, *refused]
        return Polled(bodies, more=len(received) >= most, channel=self.name, stored=lambda: self._take(place, moved))

    def _ready(self, folder: Path, now: float, most: int) -> Iterator[_Found]:
        count = 0
        for file in _files(folder):
            if count >= most:
                return
            body = self._whole(file, now)
            if body is not None:
                count += 1
                yield _Found(file, body)

    def _whole(self, file: Path, now: float) -> bytes | None:
        """A file's bytes, None while it may still be written, or when somebody was faster."""
        try:
            before = file.stat()
            age = now - max(before.st_mtime, before.st_ctime)
            if age < self.settings.quiet_seconds:
                return None
            body = file.read_bytes()
            after = file.stat()
        except (FileNotFoundError, PermissionError):
            return None  # taken by another process, or locked by the client
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns) or len(body) != after.st_size:
            return None
        return body if age >= self.settings.whole_seconds or _is_document(body) else None

    def _refusal(self, found: _Found, dxp_id: str) -> bytes:
        """What the client says of a file that it could not send: its DxpRep beside it, else one that we write."""
        beside = found.path.with_name(found.path.stem + ANSWER)
        if beside.is_file() and wire.reply(said := beside.read_bytes()) is not None:
            return said
        type_, ident = _named(found)
        info = f"{found.path.name} is in the folder {self.settings.failed} of the client 客户端发送失败"
        return envelope.refusal(REFUSED, info, dxp_id, type_, ident, clock.now())

    def _take(self, place: Path, found: list[_Found]) -> None:
        for one in found:
            kept = place / self.settings.taken
            kept.mkdir(exist_ok=True)
            try:
                _move(one.path, kept)
                answer = one.path.with_name(one.path.stem + ANSWER)
                if one.path.parent.name == self.settings.failed and answer.exists():
                    _move(answer, kept)
            except OSError as error:
                log.warning("%s stays where it is: %s", one.path.name, error)  # seen again, and known


def _files(folder: Path) -> list[Path]:
    """The XML files of a folder, oldest name first; hidden and temporary ones are nobody's yet."""
    if not folder.is_dir():
        return []
    found = (f for f in folder.iterdir() if f.suffix.lower() == ".xml" and not f.name.startswith((".", "~")))
    return sorted(f for f in found if f.is_file())


def _file_time(folder: Path) -> float:
    """The time as the file server has it."""
    look = folder / LOOK
    look.write_bytes(b".")
    return look.stat().st_mtime


def _is_document(body: bytes) -> bool:
    try:
        envelope.parse(body)
    except DataFault as fault:
        return "DOCTYPE" in str(fault)
    return True


def _named(found: _Found) -> tuple[str, str]:
    """Type and message id of a file; a client may have renamed it, then it says so itself."""
    if own := _OWN.match(found.path.stem):
        return own["type"], own["id"]
    try:
        return message_of(found.body)
    except DataFault:
        return "", ""


def _write(file: Path, body: bytes) -> None:
    """The whole file or none. Raises AuthorityUnavailable, OutcomeUnknown."""
    draft = file.with_name(f".{file.name}.tmp")
    try:
        with draft.open("wb") as out:
            out.write(body)
            out.flush()
            os.fsync(out.fileno())
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise AuthorityUnavailable(f"{file.name} could not be written: {error} / 文件无法写入") from error
    try:
        draft.replace(file)
    except OSError as error:
        raise OutcomeUnknown(f"{file.name} may be in the send folder: {error} / 文件可能已写入") from error


def _move(file: Path, folder: Path) -> None:
    """Into a folder, under a name that is free there."""
    target, number = folder / file.name, 1
    while target.exists():
        number += 1
        target = folder / f"{file.stem}~{number}{file.suffix}"
    file.replace(target)
