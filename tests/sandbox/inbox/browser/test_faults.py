"""The dialog of the faults."""

import httpx

from engagelab_async.sandbox import Fault, Sandbox
from support.chromium import Keys, Page


class TestFaults:
    """What is to go wrong."""

    def test_from_adding_one_to_its_end(self, page: Page, sandbox: Sandbox) -> None:
        """It strikes as often as it should, is counted meanwhile, and is gone then."""
        page.button("Faults").click()
        page.shown("[name=status]").send_keys(Keys.CONTROL, "a")
        page.find("[name=status]").send_keys("429")
        page.find("[name=retry_after]").send_keys("2")
        page.find("[name=seed]").send_keys("7")
        page.find("[name=times]").send_keys("2", Keys.ENTER)
        page.until_text("#faults-list", "HTTP 429, struck 0 of 2")
        assert [7] == [active.fault.seed for active in sandbox.faults]
        url = f"{sandbox.otp_base_url}/v1/messages"
        answers = [httpx.post(url, json={}, trust_env=False, timeout=60) for _ in range(2)]
        page.until(lambda: not page.all("#faults-list li"))
        page.button("Close").click()

        assert [(429, "2")] * 2 == [
            (each.status_code, each.headers["retry-after"]) for each in answers
        ]
        page.until(lambda: page.button("Faults").text == "Faults")

    def test_only_what_goes_together_is_offered(self, page: Page, sandbox: Sandbox) -> None:
        """Fields that another kind of fault has are not there, and not sent."""
        page.button("Faults").click()
        page.find("[name=kind] option[value=error]").click()
        fields = [each for each in page.all("#faults-form input") if each.is_displayed()]
        names = [each.get_attribute("name") for each in fields]
        page.find("[name=code]").send_keys(Keys.CONTROL, "a")
        page.find("[name=code]").send_keys("5016", Keys.ENTER)
        page.until_text("#faults-list", "The API answers an error\n5016, struck 0")

        assert ["code", "to", "probability", "times", "lasts", "seed", "after"] == names
        assert not page.find("[name=after]").is_enabled()
        assert [Fault("error", code=5016)] == [active.fault for active in sandbox.faults]

    def test_what_makes_no_sense(self, page: Page, sandbox: Sandbox) -> None:
        """The sandbox says what is wrong, nothing is added; and one can be removed."""
        sandbox.faults.add(Fault("hang"))
        page.button("Faults").click()
        page.find("[name=kind] option[value=error]").click()
        page.find("[name=code]").send_keys("1", Keys.ENTER)
        page.until_text("#faults-error", "code: an error needs a documented one")
        page.button("Remove: No answer").click()
        page.until(lambda: len(sandbox.faults) == 0)
        page.until(lambda: page.focused() == "What goes wrong")
        page.press(Keys.ESCAPE)

        page.until(lambda: not page.find("#faults").is_displayed())
        page.complaints()  # that it was answered 400

    def test_presets(self, page: Page, sandbox: Sandbox) -> None:
        """Common faults need one press; a line explains each."""
        page.button("Faults").click()
        page.until_text("#fault-presets", "429 for a minute")
        texts = [each.text.split("\n") for each in page.all("#fault-presets li")]
        page.button("Add: Outage").click()
        page.until_text("#faults-list", "HTTP 503")

        assert {3} == {len(each) for each in texts}
        assert ["Outage", "Slow", "429 for a minute", "Lost answers"] == [each[0] for each in texts]
        assert [503] == [active.fault.status for active in sandbox.faults]
