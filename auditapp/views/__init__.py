"""Views: authorise through selectors, bind a form, call a service, redirect or render."""
