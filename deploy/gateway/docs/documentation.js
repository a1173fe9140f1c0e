// Shows the merged document; `validatorUrl: null` because Swagger UI would otherwise send it to a public validator.
SwaggerUIBundle({
  url: "/v1/openapi.json",
  dom_id: "#documentation",
  deepLinking: true,
  docExpansion: "none",
  filter: true,
  validatorUrl: null,
});
