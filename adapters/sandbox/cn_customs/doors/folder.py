"""The E-Port client's folders: every folder below DIR that has a `send` folder is one company's client (its DXP id).

What lies in `send` is enveloped and passed on, then in `sent` or, refused, in `failed` with customs' DxpRep beside it;
receipts come as bare messages into `receive`, written under another name first.
"""

from __future__ import annotations

from pathlib import Path

from adapters.sandbox.cn_customs.customs import Customs, wrap
from adapters.sandbox.cn_customs.doors import client
from adapters.sandbox.cn_customs.doors.door import Door
from adapters.sandbox.cn_customs.plan import return_time

SEND, SENT, FAILED, RECEIVE = "send", "sent", "failed", "receive"


class Folders(Door):
    """The door of all companies' folders."""

    name = "folder"

    def __init__(self, customs: Customs, base: Path) -> None:
        super().__init__(customs)
        self._base = base

    def once(self) -> None:
        """Pass on what lies there, put out what is due."""
        places = [self._base, *(p for p in self._base.iterdir() if p.is_dir())]
        own = {place.name: place for place in places if (place / SEND).is_dir()}
        for place in own.values():
            for file in sorted(f for f in (place / SEND).iterdir() if f.suffix == ".xml" and f.name[0] != "."):
                self._pass_on(place, file)
        for row in self.deliveries():
            home = own.get(row["dxp"]) or own.get(self._base.name)
            if home is not None:
                self._put_out(home, row)

    def _pass_on(self, place: Path, file: Path) -> None:
        known = f"file:{place.name}/{file.name}"  # a client that died between passing on and moving knows what it did
        verdict = self.store.meta(known)
        if not verdict:
            verdict = self._told(place, file)
            if not verdict:
                return
            self.store.set_meta(known, verdict)
        _moved(file, place / verdict)

    def _told(self, place: Path, file: Path) -> str:
        body = file.read_bytes()
        sealed = body if client.is_enveloped(body) else client.enveloped(body, sender=place.name)
        incoming = self.customs.read(sealed, file.stem.endswith("_R"))
        outcome = self.customs.book(incoming)
        if "http" in outcome.rules:
            return ""
        if not incoming.fault:
            return SENT
        (place / FAILED).mkdir(exist_ok=True)
        (place / FAILED / f"{file.stem}.rep.xml").write_bytes(outcome.body)
        return FAILED

    def _put_out(self, place: Path, row: object) -> None:
        published = row["published"]  # type: ignore[index]
        type_, business = client.bare(wrap(row))
        name = f"{type_}{published:020d}_M{return_time(published)}.xml"
        (place / RECEIVE).mkdir(exist_ok=True)
        draft = place / RECEIVE / f"{name}.tmp"
        draft.write_bytes(business)
        draft.replace(place / RECEIVE / name)
        self.gone(row)  # type: ignore[arg-type]


def _moved(file: Path, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    file.replace(folder / file.name)
