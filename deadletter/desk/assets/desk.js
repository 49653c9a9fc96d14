// The page works without this file. It adds comfort only, and changes nothing on the server.
"use strict";
