// times.js
