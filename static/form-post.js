// Sends the form of a `form_post` response (OAuth 2.0 Form Post Response Mode) without waiting for
// a click. Where scripts are off, the button does.
"use strict";
document.getElementById("form-post").submit();
