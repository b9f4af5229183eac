"""The live form of a figure: ipywidgets controls that call compute and draw again."""

STYLE = ("<style>.aisys-live .f-ink{fill:var(--jp-content-font-color1,#1f2328)}"
         ".aisys-live .f-quiet{fill:var(--jp-content-font-color2,#57606a)}"
         ".aisys-live svg{width:100%;max-width:30rem}</style>")


def widget(figure, params):
    """``{mime type: view}`` of the live figure, empty where ipywidgets is not installed."""
    try:
        import ipywidgets
    except ImportError:
        return {}
    return panel(figure, params, ipywidgets)._repr_mimebundle_() or {}


def panel(figure, params, ipywidgets):
    """Controls above a picture that is redrawn at every move."""
    controls = {key: control(figure, key, params[key], ipywidgets) for key in figure.grid}
    seen, said = ipywidgets.HTML(), ipywidgets.HTML()

    def redraw(_=None):
        picture = figure.frame(**{key: one.value for key, one in controls.items()})
        seen.value = f"{STYLE}<div class='aisys-live'>{picture.svg}</div>"
        said.value = f"<p aria-live='polite'>{picture.alt}</p>"

    for one in controls.values():
        one.observe(redraw, names="value")
    redraw()
    return ipywidgets.VBox([*controls.values(), seen, said])


def control(figure, key, value, ipywidgets):
    """A slider for numbers, a list for words."""
    values = figure.grid[key]
    words = any(isinstance(v, str) for v in values)
    kind = ipywidgets.Dropdown if words else ipywidgets.SelectionSlider
    return kind(options=[(figure.text(key, v), v) for v in values], value=value,
                description=figure.label(key), style={"description_width": "8em"},
                layout={"width": "min(28em, 95%)"})
