"""The site: ``sphinx-build -W --keep-going docs docs/_build/html``. Needs no network."""
import os
import re
import sys
import warnings
from pathlib import Path

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx import addnodes
from sphinx.application import Sphinx

DOCS = Path(__file__).parent
ROOT = DOCS.parent
sys.path.insert(0, str(ROOT))
warnings.simplefilter('ignore')  # of packages on import; Sphinx's own are of another kind

# Where files outside docs/ can be read, as 'https://.../blob/main'; empty: their paths stand there.
REPOSITORY = ''

project, author, copyright = (
    'mmresizemix', 'the authors of mmresizemix', 'the authors of mmresizemix, Apache-2.0')
release = re.search(r"__version__ = '(.+)'", (ROOT / 'mmresizemix/__init__.py').read_text())[1]
extensions = ['myst_parser', 'sphinx.ext.autodoc', 'sphinx.ext.napoleon', 'sphinx.ext.viewcode']
exclude_patterns = ['_build', '**.ipynb_checkpoints']

myst_enable_extensions = ['dollarmath']
myst_fence_as_directive = ['math']  # as GitHub writes formulas
myst_heading_anchors = 3

autodoc_member_order = 'bysource'
autodoc_typehints = 'signature'
python_maximum_signature_line_length = 80
napoleon_numpy_docstring = False
napoleon_use_rtype = False

html_theme = 'furo'
html_title = f'mmresizemix {release}'
html_math_renderer = 'mathml'
html_theme_options = dict(
    light_css_variables={'font-stack': 'system-ui, sans-serif'}, navigation_with_keys=True)
html_copy_source = False
html_static_path = ['_static']
html_css_files = ['site.css']


def show_repository_links(app: Sphinx, doctree: nodes.document) -> None:
    """Links to files outside docs/, as GitHub follows them, lead nowhere on the site."""
    page = Path(app.env.doc2path(app.env.docname)).parent
    for node in [*doctree.findall(addnodes.download_reference),
                 *doctree.findall(addnodes.pending_xref)]:
        path = os.path.normpath(page / node.get('reftarget', '').partition('#')[0])
        if path.startswith(str(DOCS) + os.sep):
            continue
        if node.get('refdomain') == 'doc':  # MyST leaves the suffix of pages out
            path += '.md'
        inside = os.path.relpath(path, ROOT)
        text = node.astext()
        if REPOSITORY:
            shown = [nodes.reference(text, text, refuri=f'{REPOSITORY}/{inside}')]
        elif text.strip('/') in inside:
            shown = [nodes.literal(inside, inside)]
        else:
            shown = [*node.children, nodes.Text(' ('), nodes.literal(inside, inside),
                     nodes.Text(')')]
        node.parent.replace(node, shown)


def visit_math(self, node: nodes.math) -> None:
    """MathML, which browsers know themselves: MathJax would come over the network."""
    self.body.append(tex2mathml(node.astext(), as_block=isinstance(node, nodes.math_block)))
    raise nodes.SkipNode


def setup(app: Sphinx) -> None:
    """Before 500: Sphinx then notes the files that are to be copied for download."""
    app.connect('doctree-read', show_repository_links, priority=100)
    app.add_html_math_renderer('mathml', (visit_math, None), (visit_math, None))
