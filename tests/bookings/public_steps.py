"""What several files of this folder do with the app in the same words."""

from tests.support.visitor import Page

NINE_TO_TWELVE = [(weekday, 540, 720) for weekday in range(5)]


def times(page: Page) -> list[str]:
    return [time.get_text() for time in page.all("a.time time")]
