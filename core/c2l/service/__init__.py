"""What front ends build on: one request, one session, one record.

``c2l.cli`` and ``c2l.web`` see the rest of c2l through this package.
"""
