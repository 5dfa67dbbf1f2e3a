using System.Reflection;
using Akka.Configuration;

namespace Distributed.Fabric;

/// <summary>The HOCON of cluster-config/, which the build puts into this assembly: facts about the cluster, never about algorithms.</summary>
public static class NodeConfiguration
{
    /// <summary>dispatchers.conf over base.conf over Akka's own reference.</summary>
    public static Config Load() => Read("dispatchers.conf").WithFallback(Read("base.conf")).WithFallback(ConfigurationFactory.Default());

    private static Config Read(string file)
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream($"cluster-config/{file}")
            ?? throw new InvalidOperationException($"cluster-config/{file} is not in the build; add it to Distributed.Fabric.csproj");
        using var reader = new StreamReader(stream);
        return ConfigurationFactory.ParseString(reader.ReadToEnd());
    }
}
