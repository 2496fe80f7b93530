"""The buttons that do something to a message."""

from engagelab_async.sandbox import Sandbox
from support.chromium import Keys, Page
from support.inbox import NEVER_DELIVERED, send, states


class TestByHand:
    """The buttons that do something to a message."""

    def test_deliver(self, page: Page, sandbox: Sandbox) -> None:
        """It is delivered, and cannot be once more."""
        message = send(sandbox, NEVER_DELIVERED)
        page.button("Deliver").click()
        page.until_text("#detail .title", "Delivered")

        assert "delivered" == states(sandbox, message)[-1]
        page.until(lambda: page.find("[name=deliver]").get_attribute("aria-disabled"))
        page.find("[name=deliver]").click()
        assert "" == page.run("return document.querySelector('.actions .wrong').textContent")

    def test_fail_with_a_code(self, page: Page, sandbox: Sandbox) -> None:
        """It fails with the code that was chosen, which the timeline explains."""
        message = send(sandbox, NEVER_DELIVERED)
        page.find(".actions option[value='5013']").click()
        page.button("Fail").click()
        page.until_text(".timeline", "5013: number is blacklisted")

        assert 5013 == sandbox.history(message)[-1].error_code

    def test_reply(self, page: Page, sandbox: Sandbox) -> None:
        """What the user answers stands in the phone and in the timeline, and the field is empty."""
        message = send(sandbox)
        page.find("[aria-label='Reply as the user']").send_keys("Stop", Keys.ENTER)
        page.until_text(".bubble.out", "Stop")
        page.until_text(".timeline", "Reply\nStop")

        assert ["Stop"] == [reply.text for reply in sandbox.replies(message)]
        page.until(lambda: not page.run("return document.activeElement.value"))

    def test_verify(self, page: Page, sandbox: Sandbox) -> None:
        """The code is used up."""
        message = send(sandbox)
        page.button("Verify code").click()
        page.until_text("#detail .title", "Verified")

        assert "verified" == states(sandbox, message)[-1]

    def test_expire(self, page: Page, sandbox: Sandbox) -> None:
        """The same template can be sent to the same recipient again."""
        send(sandbox)
        page.button("Expire code").click()
        page.until_text("#detail .title", "Expired")
        send(sandbox)

        page.until(lambda: len(page.rows()) == 2)
        assert 2 == len(sandbox.messages)

    def test_what_came_too_late(self, page: Page, sandbox: Sandbox) -> None:
        """If the sandbox refuses, the page says why."""
        send(sandbox, NEVER_DELIVERED)
        page.button("Deliver")
        page.run(
            "window.fetch = () => Promise.resolve(Response.json({message: 'No.'}, {status: 409}))"
        )
        page.button("Deliver").click()

        page.until_text(".actions .wrong", "No.")

    def test_typing_is_not_disturbed(self, page: Page, sandbox: Sandbox) -> None:
        """What happens to the message meanwhile takes neither the text nor the focus."""
        message = send(sandbox, NEVER_DELIVERED)
        field = page.find("[aria-label='Reply as the user']")
        field.send_keys("Wait")
        sandbox.deliver(message)
        page.until_text("#detail .title", "Delivered")
        page.press(" a bit")

        assert "Wait a bit" == field.get_attribute("value")
