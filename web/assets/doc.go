// Package assets is what the pages of the service share, embedded as it is: the drawing of a page, asking the API, signing in, the language,
// colours and letters. It serves the folders of all pages, with headers that let them load and reach nothing but their own server.
// It holds no policy and knows no other package.
package assets
