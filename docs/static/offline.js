// A page that was opened from a file cannot read others, of which the search shows a few words.
if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
