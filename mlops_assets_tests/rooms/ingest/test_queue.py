"""Arrivals go one at a time, oldest first, after those that they are joined to."""

from mlops_assets.rooms.ingest.queue import State, Ticket, turn


def test_the_oldest_waiting_batch_goes_first() -> None:
    tickets = [Ticket("a", State.SETTLED), Ticket("b", State.WAITING), Ticket("c", State.WAITING)]
    assert turn(tickets).batch == "b"


def test_nobody_goes_while_one_is_on_its_way() -> None:
    tickets = [Ticket("a", State.ON_ITS_WAY), Ticket("b", State.WAITING)]
    assert turn(tickets).batch is None
    assert turn(tickets).reason == "a is on its way"


def test_a_batch_waits_for_the_datasets_that_it_is_joined_to() -> None:
    choice = turn([Ticket("b", State.WAITING)], ["weather/b"])
    assert choice.batch is None
    assert choice.reason == "b waits for weather/b"


def test_settled_batches_do_not_go_again() -> None:
    choice = turn([Ticket("a", State.SETTLED)])
    assert choice.batch is None
    assert choice.reason == "nothing new: 1 batches are settled"


def test_upstream_arrivals_hold_nobody_back_where_nobody_waits() -> None:
    assert turn([Ticket("a", State.SETTLED)], ["weather/b"]).reason.startswith("nothing new")
