# The workflows' two roles, without any key: GitHub's OIDC token of one repository and one environment is what they trust.

locals {
  issuer   = "token.actions.githubusercontent.com"
  provider = var.oidc_provider ? aws_iam_openid_connect_provider.github[0].arn : "${local.arn}:iam::${local.account}:oidc-provider/${local.issuer}"
  roles    = { plan = "${var.environment}-plan", deploy = var.environment }
}

resource "aws_iam_openid_connect_provider" "github" {
  count          = var.oidc_provider ? 1 : 0
  url            = "https://${local.issuer}"
  client_id_list = ["sts.amazonaws.com"]
}

data "aws_iam_policy_document" "trust" {
  for_each = local.roles
  statement {
    sid     = "ThisRepositoryInThisEnvironment"
    actions = ["sts:AssumeRoleWithWebIdentity"]
    principals {
      type        = "Federated"
      identifiers = [local.provider]
    }
    condition {
      test     = "StringEquals"
      variable = "${local.issuer}:aud"
      values   = ["sts.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "${local.issuer}:sub"
      values   = ["repo:${var.repository}:environment:${each.value}"]
    }
  }
}

resource "aws_iam_role" "this" {
  for_each             = local.roles
  name                 = "${local.name}-${each.key}"
  description          = each.key == "plan" ? "Shows what would change." : "Changes ${local.name}."
  assume_role_policy   = data.aws_iam_policy_document.trust[each.key].json
  max_session_duration = 7200
}

resource "aws_iam_role_policy_attachment" "this" {
  # Terraform reads, or makes, resources of thirty services: AWS's own policies for that, without IAM's (below) and data's.
  for_each   = { plan = "ReadOnlyAccess", deploy = "PowerUserAccess" }
  role       = aws_iam_role.this[each.key].name
  policy_arn = "${local.arn}:iam::aws:policy/${each.value}"
}

resource "aws_iam_role_policy" "plan" {
  name   = "plan"
  role   = aws_iam_role.this["plan"].id
  policy = data.aws_iam_policy_document.plan.json
}

data "aws_iam_policy_document" "plan" {
  statement {
    sid       = "ReadState"
    actions   = ["kms:Decrypt"]
    resources = [aws_kms_key.state.arn]
  }
  statement {
    sid       = "ReadRecordsOfDeployments"
    actions   = ["kms:Decrypt"]
    resources = ["${local.arn}:kms:${data.aws_region.this.name}:${local.account}:key/*"] # keys that the environment makes later
    condition {
      test     = "StringLike"
      variable = "kms:EncryptionContext:aws:s3:arn"
      values   = ["${local.arn}:s3:::${local.name}-artifacts", "${local.arn}:s3:::${local.name}-artifacts/*"]
    }
  }
  # A plan needs configuration, never what the lake holds: a pull request's role must not read people's data.
  statement {
    sid       = "NoData"
    effect    = "Deny"
    actions   = ["s3:GetObject", "s3:GetObjectVersion"]
    resources = ["${local.arn}:s3:::${local.name}/*", "${local.arn}:s3:::${local.name}-logs/*"]
  }
  statement {
    sid    = "NoRows"
    effect = "Deny"
    actions = [
      "athena:GetQueryResults", "athena:StartQueryExecution", "logs:FilterLogEvents", "logs:GetLogEvents", "logs:StartQuery",
      "redshift-data:ExecuteStatement", "redshift-data:GetStatementResult", "secretsmanager:GetSecretValue",
      "kafka-cluster:ReadData",
    ]
    resources = ["*"] # refused wherever they are
  }
}

resource "aws_iam_role_policy" "deploy" {
  name   = "deploy"
  role   = aws_iam_role.this["deploy"].id
  policy = data.aws_iam_policy_document.deploy.json
}

data "aws_iam_policy_document" "deploy" {
  statement {
    sid = "RolesOfThisEnvironment"
    actions = [
      "iam:AttachRolePolicy", "iam:CreatePolicy", "iam:CreatePolicyVersion", "iam:CreateRole", "iam:DeletePolicy",
      "iam:DeletePolicyVersion", "iam:DeleteRole", "iam:DeleteRolePolicy", "iam:DetachRolePolicy", "iam:GetPolicy",
      "iam:GetPolicyVersion", "iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies",
      "iam:ListInstanceProfilesForRole", "iam:ListPolicyVersions", "iam:ListRolePolicies", "iam:PassRole", "iam:PutRolePolicy",
      "iam:TagPolicy", "iam:TagRole", "iam:UntagPolicy", "iam:UntagRole", "iam:UpdateAssumeRolePolicy", "iam:UpdateRole",
    ]
    resources = [
      "${local.arn}:iam::${local.account}:role/${local.name}-*",
      "${local.arn}:iam::${local.account}:policy/${local.name}-*",
    ]
  }
  # Who deploys must not widen what the workflows may do.
  statement {
    sid    = "NotItsOwn"
    effect = "Deny"
    actions = [
      "iam:AttachRolePolicy", "iam:DeleteRole", "iam:DeleteRolePolicy", "iam:DetachRolePolicy", "iam:PutRolePolicy",
      "iam:UpdateAssumeRolePolicy", "iam:UpdateRole",
    ]
    resources = [for role in aws_iam_role.this : role.arn]
  }
}
