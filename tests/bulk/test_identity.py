"""What makes two operations the same."""

from engagelab_async import SendSMS, Template
from engagelab_async.bulk.identity import identity


def test_is_product_path_and_body() -> None:
    """Equal operations have one identity; another number, template or option has another."""
    different = [
        SendSMS("+6591234567", "1"),
        SendSMS("+6591234568", "1"),
        SendSMS("+6591234567", "2"),
        SendSMS("+6591234567", "1", plan_name="spring"),
    ]

    assert 4 == len({identity(operation, None) for operation in different})
    assert identity(different[0], None) == identity(SendSMS("+6591234567", "1"), None)


def test_is_not_the_order_of_params() -> None:
    """Params that a program names in another order are the same params."""
    one, other = (
        SendSMS("+6591234567", Template("1", params=params), custom_args=params)
        for params in ({"a": "1", "b": "2"}, {"b": "2", "a": "1"})
    )

    assert identity(one, None) == identity(other, None)


def test_is_the_callers() -> None:
    """Text and bytes that spell the same are the same."""
    operation = SendSMS("+6591234567", "1")

    assert identity(operation, lambda _: "é") == identity(operation, lambda _: "é".encode())
