"""The sanitiser of drawings."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from auditapp.errors import AuditError
from auditapp.reports import charts
from auditapp.reports.svg import ATTRIBUTES, ELEMENTS, clean
from tests.chart_samples import SAMPLES, relabelled

SVG = "http://www.w3.org/2000/svg"


def cleaned(body: str, attributes: str = "", **extra: str) -> str:
    source = f'<svg xmlns="{SVG}" viewBox="0 0 9 9" {attributes}>{body}</svg>'
    return clean(source, **({"title": "T", "description": "D", "prefix": "p"} | extra))


def test_it_names_the_drawing() -> None:
    out = cleaned("", title="A <b>", description='"quoted" & \x07more')
    root = ElementTree.fromstring(out)
    assert root.attrib["role"] == "img"
    assert root.attrib["class"] == "chart"
    title, desc = root
    assert root.attrib["aria-labelledby"] == f"{title.attrib['id']} {desc.attrib['id']}"
    assert (title.text, desc.text) == ("A <b>", '"quoted" & more')


@pytest.mark.parametrize(
    "body",
    [
        "<script>alert(1)</script>",
        "<SCRIPT>alert(1)</SCRIPT>",
        '<a href="https://example.org"><text>x</text></a>',
        '<a xmlns:l="http://www.w3.org/1999/xlink" l:href="javascript:alert(1)"><rect/></a>',
        "<foreignObject><p xmlns='http://www.w3.org/1999/xhtml'>x</p></foreignObject>",
        '<image href="https://example.org/a.png"/>',
        '<use href="#x"/>',
        "<style>@import url(//example.org)</style>",
        "<animate attributeName='href' values='javascript:alert(1)'/>",
        "<set attributeName='onload' to='alert(1)'/>",
        "<iframe xmlns='http://www.w3.org/1999/xhtml' src='//example.org'/>",
        "<svg><script>alert(1)</script></svg>",
        "<!-- comment --><?php echo 1 ?>",
        "<![CDATA[<script>alert(1)</script>]]>",
        "<title>x</title><desc>y</desc><metadata>z</metadata>",
        "<filter id='f'><feImage href='//example.org'/></filter>",
        "<g xmlns='urn:x'><text>alien</text></g>",
    ],
)
def test_what_is_not_allowed_goes_with_everything_inside_it(body: str) -> None:
    out = cleaned(body)
    assert out == cleaned("")


@pytest.mark.parametrize(
    "attribute",
    [
        'onload="alert(1)"',
        'onclick="alert(1)"',
        'class="x"',
        'tabindex="0"',
        'href="javascript:alert(1)"',
        'fill="url(https://example.org/#a)"',
        'fill="url(javascript:alert(1))"',
        'fill="url(data:image/svg+xml;base64,AA)"',
        'clip-path="path(1)"',
        'fill="expression(alert(1))"',
        'fill="\\75rl(x)"',
        'style="background:url(//example.org)"',
        'style="fill:url(//example.org/a)"',
        'style="behavior:url(x);position:fixed"',
        'xml:base="https://example.org"',
        'data-x="1"',
        'id="1 2"',
        'filter="url(#f)"',
    ],
)
def test_attributes_that_reach_out_are_dropped(attribute: str) -> None:
    assert "<rect/>" in cleaned(f"<rect {attribute}/>")


def test_a_style_attribute_becomes_attributes() -> None:
    out = cleaned('<rect fill="red" style="fill: #16202E; stroke-width:2; cursor: help"/>')
    assert '<rect fill="#16202E" stroke-width="2"/>' in out
    assert "style" not in out


def test_ids_and_references_get_the_prefix() -> None:
    out = cleaned('<defs><pattern id="a"/></defs><rect fill="url(#a)" clip-path=" url(\'#b\') "/>')
    assert '<pattern id="p_a"/>' in out
    assert 'fill="url(#p_a)"' in out
    assert 'clip-path="url(#p_b)"' in out


def test_two_drawings_share_no_id() -> None:
    svg = charts.draw(SAMPLES["intersection-grid"](), "wide")
    found = [
        set(re.findall(r' id="([^"]+)"', clean(svg, title="t", description="d", prefix=prefix)))
        for prefix in ("a", "b")
    ]
    assert found[0]
    assert not found[0] & found[1]


def test_nested_elements_close_as_they_opened() -> None:
    body = "<g><g/><g><rect/></g></g><text>a<tspan>b</tspan>c</text>"
    assert body in cleaned(body)


def test_text_stays_text() -> None:
    out = cleaned("<text>&lt;script&gt; &amp;amp; &#x41;</text>")
    assert "<text>&lt;script&gt; &amp;amp; A</text>" in out


@pytest.mark.parametrize(
    "source",
    [
        f'<!DOCTYPE svg><svg xmlns="{SVG}"/>',
        f'<!DOCTYPE svg [<!ENTITY a "b">]><svg xmlns="{SVG}"><text>&a;</text></svg>',
        f'<!DOCTYPE svg SYSTEM "file:///etc/passwd"><svg xmlns="{SVG}"/>',
        f'<svg xmlns="{SVG}"><text>&a;</text></svg>',
        f'<svg xmlns="{SVG}"><g></svg>',
        "<svg/>",
        '<html xmlns="http://www.w3.org/1999/xhtml"/>',
        "",
        "not xml",
        f'<svg xmlns="{SVG}">\x07</svg>',
        f'<svg xmlns="{SVG}">\ud800</svg>',
        f'<svg xmlns="{SVG}">' + "<g>" * 500 + "</g>" * 500 + "</svg>",
    ],
)
def test_what_is_not_a_plain_drawing_is_refused(source: str) -> None:
    with pytest.raises(AuditError) as caught:
        clean(source, title="", description="", prefix="p")
    assert caught.value.code == "svg-refused"


def test_a_prefix_must_be_usable_in_an_id() -> None:
    with pytest.raises(ValueError, match="not usable"):
        cleaned("", prefix='x" onload="')


@pytest.mark.parametrize("kind", charts.REGISTRY)
def test_every_chart_survives_with_all_of_its_marks(kind: str) -> None:
    svg = charts.draw(relabelled(SAMPLES[kind]()), "wide")
    out = clean(svg, title="t", description="d", prefix="fig-1")
    root = ElementTree.fromstring(out)
    for element in root.iter():
        local = element.tag.removeprefix(f"{{{SVG}}}")
        assert local in ELEMENTS | {"title", "desc"}
        own = {"class", "role", "aria-labelledby"} if element is root else set()
        assert set(element.attrib) <= ATTRIBUTES | own
    for tag in ("<text", "<path", "<line", "<pattern", "<linearGradient"):
        assert out.count(tag) == svg.count(tag)
    assert clean(svg, title="t", description="d", prefix="fig-1") == out
