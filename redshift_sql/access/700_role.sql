create role {role};
