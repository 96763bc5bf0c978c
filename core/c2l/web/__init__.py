"""The HTTP service of c2l: the app, its routes, and the page. Needs the extra ``c2l[serve]``.

Like ``c2l.cli`` it sees the rest of c2l through ``c2l.service`` and ``c2l.errors``.
"""
