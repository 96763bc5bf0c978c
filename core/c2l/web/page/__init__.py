"""The page: files that are served as they are, at ``/`` and ``/page/``."""

from c2l.web.page.routes import router as router
