using System.Reflection;
using Akka.Configuration;

namespace Distributed.Fabric;

/// <summary>The HOCON of cluster-config/, which the build puts into this assembly: facts about the cluster, never about algorithms.</summary>
public static class NodeConfiguration
{
    /// <summary>Roles that have a file.</summary>
    public static IReadOnlyList<string> Roles { get; } = ["learner", "rollout", "scorer"];

    /// <summary>Environments that have a file.</summary>
    public static IReadOnlyList<string> Environments { get; } = ["local", "compose", "k8s"];

    /// <summary>dispatchers.conf over base.conf over Akka's own reference: a node of one process.</summary>
    public static Config Load() => Read("dispatchers.conf").WithFallback(Read("base.conf")).WithFallback(ConfigurationFactory.Default());

    /// <summary>
    /// env/ENVIRONMENT.conf over roles/ROLE.conf over cluster.conf over dispatchers.conf over base.conf: a node of a cluster. Needs Akka.Cluster, whose own reference (and
    /// Akka's) the actor system puts below.
    /// </summary>
    /// <exception cref="ArgumentException">There is no such role or environment.</exception>
    public static Config Load(string role, string environment)
    {
        if (!Roles.Contains(role)) throw new ArgumentException($"'{role}' is no role; write {string.Join(", ", Roles)}", nameof(role));
        if (!Environments.Contains(environment)) throw new ArgumentException($"'{environment}' is no environment of cluster-config/env; write {string.Join(", ", Environments)}", nameof(environment));
        return Read($"env/{environment}.conf").WithFallback(Read($"roles/{role}.conf")).WithFallback(Read("cluster.conf"))
            .WithFallback(Read("dispatchers.conf")).WithFallback(Read("base.conf"));
    }

    private static Config Read(string file)
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream($"cluster-config/{file}")
            ?? throw new InvalidOperationException($"cluster-config/{file} is not in the build; add it to Distributed.Fabric.csproj");
        using var reader = new StreamReader(stream);
        return ConfigurationFactory.ParseString(reader.ReadToEnd());
    }
}
