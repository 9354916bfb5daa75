"""HTML as tests read it, and a text that would do harm if anything printed it as it is."""

from html.parser import HTMLParser

EVIL = """ onfocus=alert(0) <img src=x onerror="alert(1)">'"</script></style>&${1+1}{{7*7}}{% raise %}"""
VOID = {"img", "br", "hr", "input", "meta", "link", "circle", "ellipse", "line", "path", "polygon", "polyline", "rect"}


class Outline(HTMLParser):
    """Checks that tags close in order, and collects them with their attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(str(html))  # not Markup, which would escape what is added to it
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        self.text += data

    @property
    def ids(self) -> list[str]:
        return [attrs["id"] for _, attrs in self.tags if "id" in attrs]

    @property
    def said(self) -> list[str]:
        """What people read and programs get: text, and the values of attributes."""
        return [self.text, *(value for _, attrs in self.tags for value in attrs.values() if value)]

    def of(self, name: str) -> list[dict]:
        return [attrs for _, attrs in self.tags if name in attrs.get("class", "").split()]
