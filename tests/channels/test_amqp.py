"""The AMQP channel against a real RabbitMQ: confirms, acknowledgement after storing, poison, cut lines."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from adapters.cn_ecommerce import ChinaEcommerce, envelope
from adapters.cn_ecommerce.channels.amqp import Amqp
from adapters.cn_ecommerce.channels.settings import AmqpSettings
from adapters.ledger import Ledger, raws
from adapters.ledger.ledger import reads
from adapters.ledger.tables import raw
from mappings import clock
from mappings.errors import AuthorityUnavailable, ConfigurationError, OutcomeUnknown
from tasks.receipts.receive import receive
from tests.channels.broker import ADDRESS, Broker, Proxy, started
from tests.contract.loopback import closed_port
from tests.unit.customs import quick, receipt

pytestmark = pytest.mark.server
KEY = {"ebpCode": "P", "ebcCode": "S", "orderNo": "O1"}
DXP = "DXPENT0000000001"


@pytest.fixture
def broker() -> Iterator[Broker]:
    yield from started()


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    made = Proxy()
    yield made
    made.close()


def channel(broker: Broker, url: str = ADDRESS, **more: object) -> Amqp:
    given = {"url": url, "out_queue": broker.out, "receipt_queue": broker.receipt_queue, **more}
    return Amqp(AmqpSettings.model_validate(given), quick(connect_attempts=1, connect_timeout_seconds=1))


def authority(broker: Broker, url: str = ADDRESS) -> ChinaEcommerce:
    made = ChinaEcommerce(channel={"kind": "amqp", "url": url, "out_queue": broker.out,
                                   "receipt_queue": broker.receipt_queue})  # fmt: skip
    made.channels.of("").profile = quick(connect_attempts=1, answers_per_poll=2)  # type: ignore[attr-defined]
    return made


@reads
def kept(tx: object) -> list[tuple[str, str, str]]:
    return [(r.channel, r.peer, r.state) for r in tx.execute(raw.select().order_by(raw.c.id))]  # type: ignore[attr-defined]


def test_sent_is_what_the_broker_confirmed(broker: Broker) -> None:
    broker.declare(broker.out)
    ours = channel(broker)
    assert ours.send(b"<DxpMsg/>", "ID-1").code == "0000"
    ours.send(b"<DxpMsg/>", "ID-1", recovery=True)
    (first, body), (again, same) = broker.taken(broker.out)
    assert (body, same) == (b"<DxpMsg/>", b"<DxpMsg/>")
    assert (first.delivery_mode, first.content_type, first.message_id) == (2, "text/xml", "ID-1")
    assert not first.headers
    assert again.headers == {"X-Tongguan-Recovery": "1"}


def test_nobody_there_and_no_such_queue_are_surely_not_sent(broker: Broker) -> None:
    with pytest.raises(AuthorityUnavailable):
        channel(broker, f"amqp://guest:guest@127.0.0.1:{closed_port()}/").send(b"<a/>", "ID")
    with pytest.raises(AuthorityUnavailable, match="There is no queue"):
        channel(broker).send(b"<a/>", "ID")
    with pytest.raises(AuthorityUnavailable, match="No receipts from"):
        channel(broker).poll(DXP, "")


def test_a_nack_is_an_unknown_outcome(broker: Broker) -> None:
    with broker.line() as line:
        line.queue_declare(broker.out, durable=True, arguments={"x-max-length": 1, "x-overflow": "reject-publish"})
    ours = channel(broker)
    ours.send(b"<m/>", "ID-1")
    with pytest.raises(OutcomeUnknown, match="did not confirm"):
        ours.send(b"<m/>", "ID-2")
    assert broker.count(broker.out) == 1


def test_a_user_that_the_broker_refuses_is_a_matter_of_configuration(broker: Broker) -> None:
    wrong = ADDRESS.replace("guest:guest", "guest:secret-word")
    with pytest.raises(ConfigurationError) as caught:
        channel(broker, wrong).send(b"<a/>", "ID")
    assert "secret-word" not in str(caught.value)


def test_a_confirm_that_never_came_is_an_unknown_outcome(broker: Broker, proxy: Proxy) -> None:
    broker.declare(broker.out)
    ours = channel(broker, proxy.address)
    ours.send(b"<first/>", "ID-1")
    proxy.swallow = True
    timer = threading.Timer(0.4, proxy.cut)
    timer.start()
    with pytest.raises(OutcomeUnknown):
        ours.send(b"<second/>", "ID-2")
    proxy.swallow = False
    assert [body for _, body in broker.taken(broker.out)] == [b"<first/>", b"<second/>"], "it had arrived"
    assert ours.send(b"<third/>", "ID-3").code == "0000", "and the line is opened again"


def test_a_line_that_died_meanwhile_is_opened_again_before_a_message_leaves(broker: Broker, proxy: Proxy) -> None:
    broker.declare(broker.out)
    ours = channel(broker, proxy.address)
    for number in range(3):
        assert ours.send(b"<m/>", f"ID-{number}").code == "0000"
        proxy.cut()
    proxy.close()
    with pytest.raises(AuthorityUnavailable):
        ours.send(b"<m/>", "ID-9")
    proxy.open()
    assert ours.send(b"<m/>", "ID-9").code == "0000"
    assert broker.count(broker.out) == 4


def test_a_receipt_leaves_its_queue_only_once_it_is_stored(broker: Broker, proxy: Proxy) -> None:
    queue = broker.inbox(DXP)
    broker.declare(queue)
    broker.put(queue, b"<one/>", b"<two/>")
    ours = channel(broker, proxy.address)
    page = ours.poll(DXP, "")
    assert (page.messages, page.channel, page.more) == ([b"<one/>", b"<two/>"], "amqp", False)
    again = ours.poll(DXP, "")
    assert again.messages == [b"<one/>", b"<two/>"], "what nobody stored comes again"
    proxy.cut()
    again.stored()
    last = ours.poll(DXP, "")
    assert last.messages == [b"<one/>", b"<two/>"], "an acknowledgement that got lost harms nothing"
    last.stored()
    assert ours.poll(DXP, "").messages == []
    assert broker.count(queue) == 0


def test_receipts_come_into_the_ledger_page_by_page_and_once(broker: Broker, ledger: Ledger) -> None:
    queue = broker.inbox(DXP)
    broker.declare(queue)
    sealed = [
        envelope.write(receipt("CEB304Message", [KEY | {"returnStatus": status}]), "CEB304Message", "D", DXP, "c",
                       clock.now())
        for status in ("2", "120", "100")
    ]  # fmt: skip
    transfer = envelope.transfer(sealed[2], "00000002", "46000002", 7, clock.now())
    broker.put(queue, sealed[0], sealed[1], sealed[0], transfer, b"\x00 no XML at all", b"")
    done = receive(ledger, authority(broker), [DXP])
    assert (done.raw, done.receipts, len(done.parked)) == (4, 3, 1)
    assert kept(ledger) == [("amqp", DXP, "read")] * 3 + [("amqp", DXP, "parked")]
    assert raws.body(ledger, next(iter(done.parked))) == b"\x00 no XML at all", "what cannot be read is kept"
    assert broker.count(queue) == 0
    assert len(broker.taken(f"{queue}_DEAD")) == 1, "what no ledger keeps is parked"


def test_a_company_without_a_queue_keeps_no_other_from_being_heard(broker: Broker, ledger: Ledger) -> None:
    queue = broker.inbox(DXP)
    broker.declare(queue, broker.out)
    broker.put(queue, receipt("CEB304Message", [KEY]))
    ours = authority(broker)
    for _ in range(7):
        with pytest.raises(AuthorityUnavailable, match="NOBODY_HZ"):
            receive(ledger, ours, ["NOBODY", DXP])
    assert [row[1:] for row in kept(ledger)] == [(DXP, "read")]
    assert ours.send(b"<DxpMsg/>", "ID").code == "0000", "nor any message from being sent"


def test_the_breaker_opens_when_the_broker_is_gone(broker: Broker, proxy: Proxy) -> None:
    ours = channel(broker, proxy.address)
    proxy.close()
    for _ in range(5):
        with pytest.raises(AuthorityUnavailable, match="No broker"):
            ours.poll(DXP, "")
    with pytest.raises(AuthorityUnavailable, match="next try after"):
        ours.send(b"<m/>", "ID")


def test_what_is_too_large_or_comes_too_often_is_parked_with_its_reason(broker: Broker) -> None:
    queue = broker.inbox(DXP)
    with broker.line() as line:
        line.queue_declare(queue, durable=True, arguments={"x-queue-type": "quorum"})
    broker.put(queue, b"x" * 200, b"<again/>")
    ours = channel(broker, receipt_bytes=100, most_deliveries=2)
    for _ in range(2):
        assert ours.poll(DXP, "").messages == [b"<again/>"]
    assert ours.poll(DXP, "").messages == []
    reasons = [properties.headers["x-tongguan-reason"] for properties, _ in broker.taken(f"{queue}_DEAD")]
    assert reasons == ["200 bytes, the limit is 100", "delivered 2 times"]


def test_every_thread_has_a_line_of_its_own(broker: Broker) -> None:
    broker.declare(broker.out)
    ours, troubles = channel(broker), list[Exception]()

    def many() -> None:
        try:
            for number in range(20):
                ours.send(b"<m/>", str(number))
        except Exception as error:
            troubles.append(error)

    threads = [threading.Thread(target=many) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not troubles
    assert broker.count(broker.out) == 80


def test_a_transfer_envelope_is_sent_and_opened(broker: Broker) -> None:
    from adapters.cn_ecommerce.channels import Head

    ours = channel(broker, envelope="DxpMsgSv", node="46000002", end_node="00000002")
    head = Head("CEB303Message", DXP, "DXPEDCCEB0000003", "GUID", clock.now())
    business = b'<CEB303Message xmlns="http://www.chinaport.gov.cn/ceb"/>'
    sealed = ours.wrap(business, head)
    opened = envelope.open_message(sealed)
    assert (opened.business, opened.peer, opened.cop_msg_id) == (business, DXP, "GUID")
    assert envelope.name(envelope.parse(sealed)) == "DxpMsgSv"
    assert len(envelope.text(envelope.parse(sealed), "MsgId")) == 32
    assert ours.wrap(business, head) == sealed, "a recovery sends the same bytes"
