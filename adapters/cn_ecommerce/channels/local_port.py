"""A local port over HTTP, as Haikou published it: a JSON head and base64 body by POST, Java map text by GET.

Published are /cebcmsg, /ceb312msg and /ceb622msg; that the other receipts are asked alike, and what a refusal looks
like, nobody could check (profile.yaml, "local_port").
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import requests

from adapters.cn_ecommerce import envelope, javamap, receipts, wire
from adapters.cn_ecommerce.channels import posts
from adapters.cn_ecommerce.channels.protocol import Head
from adapters.cn_ecommerce.channels.sender import POST
from adapters.cn_ecommerce.channels.settings import LocalPortSettings
from adapters.contract import Answer, Polled, Profile
from adapters.reach import NOT_TAKEN, UNCERTAIN, Reach
from mappings import clock
from mappings.clock import CHINA
from mappings.errors import AuthorityUnavailable, ConfigurationError, DataFault, OutcomeUnknown

HEADERS = {"Content-Type": "application/json; charset=utf-8"}


class LocalPort(Reach):
    """A Channel to one local port."""

    name, form = "local_port", POST

    def __init__(self, settings: LocalPortSettings, profile: Profile, session: requests.Session | None = None) -> None:
        super().__init__(settings.url, profile, session)
        self.settings = settings

    def wrap(self, business: bytes, head: Head) -> bytes:
        """The whole post, so that a recovery posts the same bytes."""
        sent = head.at.astimezone(CHINA).strftime("%Y-%m-%d %H:%M:%S")
        return posts.write(business, {
            "MessageId": head.cop_msg_id, "MessageType": f"{head.type}.xml", "SenderID": self.settings.sender_id,
            "ReceiverID": self.settings.receiver_id, "SendTime": sent, "Version": "1.0",
        })  # fmt: skip

    def send(self, sealed: bytes, cop_msg_id: str, recovery: bool = False) -> Answer:
        """Posts once; the answer is the text OK, or something that is often not JSON."""
        return self.judged(self.posted(self.settings.send_path, sealed, HEADERS, recovery), self._judge)

    def _judge(self, response: requests.Response) -> Answer:
        if not response.ok:
            raise wire.unread(response)
        said = _text(response.content)
        if said.upper() in self.profile.value("local_port_accepted"):
            return Answer(said, said, response.content)
        reply = _reply(response.content, said)
        if reply is None:
            raise OutcomeUnknown(f"The answer cannot be read: {said[:200]} / 应答无法识别")
        return wire.judged(reply, self.profile, response.content)

    def poll(self, dxp_id: str, since: str) -> Polled:
        """The answers to each type of receipt since then, kept with what was asked: they do not say it themselves."""
        asked_at = clock.now() - timedelta(seconds=1)
        query_id = _query_id(since, self.settings.first_look_seconds)
        found = [self._asked(type_, dxp_id, query_id) for type_ in self._types()]
        return Polled([one for one in found if one], asked_at.isoformat(), channel=self.name)

    def _types(self) -> list[str]:
        if self.settings.receipts is not None:
            return self.settings.receipts
        sent = set(self.profile.messages)
        return [type_ for type_, row in receipts.answers().items() if row.declared in sent] + ["CEB900Message"]

    def _asked(self, type_: str, dxp_id: str, query_id: str) -> bytes:
        path = self.settings.receipts_path.format(number=type_[3:6])
        response = self.asked(path, {"dxpid": dxp_id, "qryid": query_id})
        if response.status_code in UNCERTAIN or response.status_code in NOT_TAKEN:
            raise AuthorityUnavailable(f"No receipts: HTTP {response.status_code} / 无法取得回执")
        if not response.ok:
            raise ConfigurationError(f"Receipts refused at {path}: HTTP {response.status_code} / 回执查询被拒绝")
        return javamap.kept(type_, dxp_id, response.content) if javamap.says_something(response.content) else b""


def _query_id(since: str, back: float) -> str:
    """qryid: China's local time; a cursor that is no instant starts anew."""
    now = clock.now()
    try:
        at = datetime.fromisoformat(since)
    except ValueError:
        at = now - timedelta(seconds=back)
    return min(at if at.tzinfo else at.replace(tzinfo=UTC), now).astimezone(CHINA).strftime("%Y%m%d%H%M%S")


def _text(content: bytes) -> str:
    try:
        return envelope.decoded(content).strip().strip('"')
    except DataFault:
        return ""


def _reply(content: bytes, said: str) -> envelope.Reply | None:
    """A refusal as DxpRep, as JSON, or as map text with a code."""
    if (reply := wire.reply(content)) is not None:
        return reply
    for row in javamap.records(said):
        low = {name.lower(): value for name, value in row.items()}
        if code := low.get("code") or low.get("responsecode") or "":
            return envelope.Reply(code, low.get("message") or low.get("responseinfo") or "", "")
    return None
