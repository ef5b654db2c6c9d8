"""The docs page in a browser: its example is answered on the spot, and nothing is loaded from elsewhere."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from mlops_assets_tests.rooms.serve.running import release, service


@pytest.mark.browser
def test_the_docs_page_answers_and_loads_nothing_from_elsewhere(browser: Browser, tmp_path: Path) -> None:
    release(tmp_path)
    with service(tmp_path) as running:
        page = browser.new_page()
        elsewhere, errors = [], []
        page.on("request", lambda r: elsewhere.append(r.url) if not r.url.startswith((running.url, "data:")) else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"{running.url}/docs")
        page.get_by_role("button", name="Ask").click()
        page.wait_for_function("document.querySelector('pre').textContent.startsWith('200')")
        assert '"explanation"' in page.inner_text("pre")
        page.screenshot(path=tmp_path / "docs.png", full_page=True)
        page.get_by_role("link", name="The card").click()
        page.get_by_text("card 1").wait_for()
        assert (elsewhere, errors) == ([], [])
        page.close()
