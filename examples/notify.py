"""Send one notice to a few people at once, and print the result for each.

::

    python examples/notify.py TEMPLATE PERSON...

``PERSON`` is a phone number such as ``+6591234567``, or an email address. The key pair comes from
``ENGAGELAB_DEV_KEY`` and ``ENGAGELAB_DEV_SECRET``.
"""

import asyncio
import sys

from engagelab_async import EngageLab, EngageLabError, SendCustomMessage


async def notify(engagelab: EngageLab, message: SendCustomMessage) -> str:
    """Send one notice and describe the result.

    No error of the API leaves this function: in a task group it would cancel the other sends, and
    their results would be lost.
    """
    try:
        sent = await engagelab.execute(message)
    except EngageLabError as error:
        return f"{'maybe' if error.may_have_been_sent else 'no'}: {error}"
    return f"yes, by {sent.send_channel}"


async def main(template: str, *people: str) -> None:
    """Send to all of them, and print a line for each."""
    # Made before the first is sent: a mistake in one of them must not stop the others halfway.
    messages = [SendCustomMessage(person, template) for person in people]
    async with (
        EngageLab.from_env(require=("otp",)) as engagelab,
        asyncio.TaskGroup() as group,
    ):
        tasks = [group.create_task(notify(engagelab, message)) for message in messages]
    for person, task in zip(people, tasks, strict=True):
        print(f"{person}  {task.result()}")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
