"""S3's answers that a browser notices and moto does not give: rules of other origins, ended links, refused forms."""
