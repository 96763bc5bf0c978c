"""How the demo's weights were made: renderers, embedder, generators, judges.

`python -m c2l_demo.make all --work DIR` reruns everything.
"""
