"""What every page shares: htmx, headers, origins, errors, limits, forms. Features' views import it;
it knows none of them."""
