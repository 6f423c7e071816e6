"""When a host works and is away: ranges of hours, overrides, public holidays, time off. Shared by
pages, which import it; it knows no page.
"""
