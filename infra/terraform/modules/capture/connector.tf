# The connector's configuration: streaming/connectors/sqlserver.json, filled as streaming/connectors/render.py fills it,
# and what AWS asks for beside it: IAM for Debezium's own clients, Glue's registry, the secret's place.

locals {
  template = jsondecode(file("${path.module}/../../../../streaming/connectors/sqlserver.json"))
  database = coalesce(var.source_database, { host = "", port = 0, database = "", schema = "" })
  secret   = "${var.name}/debezium"

  places = {
    pipeline          = var.pipeline
    database_host     = local.database.host
    database_port     = tostring(local.database.port)
    database          = local.database.database
    bootstrap_servers = var.kafka.bootstrap_brokers
    tables            = join(",", [for table in sort(keys(var.tables)) : "${local.database.schema}\\.${table}"])
  }
  p = local.places
  filled = { for key, text in local.template : key =>
    replace(replace(replace(replace(replace(replace(text,
      "@{pipeline}", local.p.pipeline), "@{database_host}", local.p.database_host), "@{database_port}", local.p.database_port),
    "@{database}", local.p.database), "@{bootstrap_servers}", local.p.bootstrap_servers), "@{tables}", local.p.tables)
  }

  # Tables whose topic is not `<pipeline>.<table>.cdc`.
  special = { for table, topic in var.tables : table => topic if topic != "${var.pipeline}.${table}.cdc" }
  routes = merge([for table, topic in local.special : {
    "transforms.route_${table}.type"        = "org.apache.kafka.connect.transforms.RegexRouter"
    "transforms.route_${table}.regex"       = "${var.pipeline}\\.${table}\\.cdc"
    "transforms.route_${table}.replacement" = topic
  }]...)
  chain = { transforms = join(",", concat([local.filled.transforms], [for table in keys(local.special) : "route_${table}"])) }

  iam_client = {
    "security.protocol"                  = "SASL_SSL"
    "sasl.mechanism"                     = "AWS_MSK_IAM"
    "sasl.jaas.config"                   = "software.amazon.msk.auth.iam.IAMLoginModule required;"
    "sasl.client.callback.handler.class" = "software.amazon.msk.auth.iam.IAMClientCallbackHandler"
  }
  # Debezium's own Kafka clients: the schema history's two, the signals'. (The task's producer is the worker's business.)
  own_clients = ["schema.history.internal.producer", "schema.history.internal.consumer", "signal.consumer"]

  # The converter names a schema by its topic alone, so a topic's key and value are versions of one schema: no version can
  # be held against the one before it. What a change of columns means is hop 2's to say.
  registry = {
    "region"                        = data.aws_region.this.name
    "registry.name"                 = aws_glue_registry.this.registry_name
    "schemaAutoRegistrationEnabled" = "true"
    "avroRecordType"                = "GENERIC_RECORD"
    "compatibility"                 = "NONE"
    "compression"                   = "NONE"
  }
  converter = "com.amazonaws.services.schemaregistry.kafkaconnect.AWSKafkaAvroConverter"

  amazon = merge(
    { "database.password" = "$${secretsmanager:${local.secret}:password}", "config.action.reload" = "none" },
    { "exactly.once.support" = var.exactly_once ? "required" : "requested" },
    { for pair in setproduct(local.own_clients, keys(local.iam_client)) : "${pair[0]}.${pair[1]}" => local.iam_client[pair[1]] },
    { for side in ["key", "value"] : "${side}.converter" => local.converter },
    { for pair in setproduct(["key", "value"], keys(local.registry)) : "${pair[0]}.converter.${pair[1]}" => local.registry[pair[1]] },
  )

  configuration = merge(
    { for key, text in local.filled : key => text if key != "name" && !can(regex("^(key|value)\\.converter", key)) },
    local.chain, local.routes, local.amazon,
  )
}
