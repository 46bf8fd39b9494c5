"""Receipt messages as text: the receipts of one status, what customs says of its own accord, and CEB900."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from xml.sax.saxutils import escape

from adapters.sandbox.cn_customs import settings
from mappings import clock

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INFO_LENGTH = 1000
_GUID, _ROW = "\x00", "\x01"  # stand for what follows a guid and a receipt: characters that no text may hold


def instant(at: datetime) -> int:
    """Microseconds since 1970."""
    return (at - _EPOCH) // timedelta(microseconds=1)


def moment(at: int) -> datetime:
    """The instant as an aware time."""
    return _EPOCH + timedelta(microseconds=at)


def local(at: int) -> datetime:
    """The instant in China's time."""
    return moment(at).astimezone(clock.CHINA)


def return_time(at: int) -> str:
    """returnTime: 17 digits of China's local time."""
    here = local(at)
    return f"{here:%Y%m%d%H%M%S}{here.microsecond // 1000:03d}"


def cells(fields: dict[str, object], mark: str = "") -> str:
    """Elements with these texts; None leaves one out."""
    return "".join(f"<{mark}{n}>{escape(str(v))}</{mark}{n}>" for n, v in fields.items() if v is not None)


def message(type_: str, guid: str, faces: list[tuple[str, str]], guids: Iterator[str], status: str, at: int) -> bytes:
    """The receipts of documents of one type that passed into one status at once: (what names it, text) each."""
    declared = settings.declared()[type_]
    receipt, mark = declared.receipt, declared.prefix
    start, end = f"<{mark}{receipt.element}><{mark}guid>", f"</{mark}returnInfo></{mark}{receipt.element}>"
    middle = cells({"returnStatus": status, "returnTime": return_time(at)}, mark) + f"<{mark}returnInfo>"
    infos = {info: escape(info[:_INFO_LENGTH]) for info in {info for _, info in faces}}
    ends = {info: f"{middle}{told}{end}" for info, told in infos.items()}
    if len(ends) > 1:
        rows = [f"{start}{next(guids)}</{mark}guid>{face}{ends[info]}" for face, info in faces]
        return root(receipt.type, guid, "".join(rows), mark)
    (last,) = ends.values()  # what all have in common is put between them once they are bytes
    own = zip(islice(guids, len(faces)), [face for face, _ in faces], strict=True)
    told = _ROW.join(map(_GUID.join, own)).encode()
    told = told.replace(_GUID.encode(), f"</{mark}guid>".encode()).replace(_ROW.encode(), f"{last}{start}".encode())
    before, after = root(receipt.type, guid, _ROW, mark).split(_ROW.encode())
    return b"".join((before, start.encode(), told, last.encode(), after))


def notice(type_: str, guid: str, parts: list[tuple[str, str]], guids: Iterator[str], mark: str) -> bytes:
    """What no document is answered by: each part is the text before its guid and after it."""
    return root(type_, guid, "".join(f"{before}{next(guids)}{after}" for before, after in parts), mark)


def root(type_: str, guid: str, content: str, mark: str = "ceb:") -> bytes:
    """The message around its documents, with the prefix or in the default namespace."""
    name = "xmlns:ceb" if mark else "xmlns"
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<{mark}{type_} {name}="{settings.namespace()}" '
        f'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" guid="{guid}" version="1.0">{content}</{mark}{type_}>'
    ).encode()


def ceb900(guids: list[str], status: str, info: str, at: int, of: tuple[str, str], original: bytes) -> bytes:
    """The answer to what cannot be read (receipts.md, section 5)."""
    text = "".join(c for c in original.decode("utf-8", "replace") if c in "\t\n\r" or c >= " ")
    text = "".join(c for c in text if c not in "\ufffe\uffff").replace("]]>", "]]]]><![CDATA[>")
    cop_msg_id, type_ = of
    return root("CEB900Message", guids[0], (
        f"<ceb:MessageReturn><ceb:guid>{guids[1]}</ceb:guid><ceb:returnStatus>{status}</ceb:returnStatus>"
        f"<ceb:returnInfo>{escape(info[:5000])}</ceb:returnInfo><ceb:returnTime>{return_time(at)}</ceb:returnTime>"
        f"<ceb:oriCopMsgId>{escape(cop_msg_id)}</ceb:oriCopMsgId><ceb:oriMessageType>{escape(type_[:15])}</ceb:oriMessageType>"
        f"<ceb:oriBizMessage><![CDATA[{text}]]></ceb:oriBizMessage></ceb:MessageReturn>"
    ))  # fmt: skip
