"""The interface for programs under /api/v1: cases, queue, reports, customers, figures, as JSON behind keys.

A key is made by `arfgate user token`. Must never answer without one, nor decide anything that the console does not.
"""
