using Distributed.Node.Composition;

namespace Distributed.Node.Cluster;

/// <summary>Where a node of the fabric `akka` is and joins.</summary>
internal sealed record AkkaInputs
{
    /// <summary>Which of cluster-config/env applies.</summary>
    public required string Environment { get; init; }

    /// <summary>Name or address under which the others reach this node; null: as the environment says.</summary>
    public string? Host { get; init; }

    /// <summary>Port of the cluster; null: as the environment says.</summary>
    public int? Port { get; init; }

    /// <summary>Port others dial, where something stands before this node; null: the same.</summary>
    public int? PublicPort { get; init; }

    /// <summary>Members to join, as HOST:PORT; empty: a worker asks the learner, a learner forms the cluster.</summary>
    public required IReadOnlyList<string> Seeds { get; init; }
}

/// <summary>The fabric `akka`, where the package feed has Akka.Cluster.</summary>
internal static class AkkaFabric
{
#if AKKA_CLUSTER
    /// <summary>Whether this build has Akka.Cluster.</summary>
    public static bool IsBuilt => true;

    /// <summary>The public port of the node that has begun a connection with these bytes; null if they do not say.</summary>
    public static int? DiallerPort(ReadOnlyMemory<byte> first) => global::Distributed.Fabric.AkkaCluster.AssociateFrame.PortOf(first.Span, "127.0.0.1");

    /// <summary>Stands for learner and runs the session when chosen.</summary>
    public static Task<int> RunLearnerAsync(LearnerInputs inputs, AkkaInputs akka, Func<TrainingSession> begin, Action<string> notice, CancellationToken cancel) =>
        Akka.AkkaLearner.RunAsync(inputs, akka, begin, notice, cancel);

    /// <summary>Works for the cluster's learner until the run is over.</summary>
    public static Task<string> RunWorkerAsync(WorkerInputs inputs, AkkaInputs akka, Action<string> notice, CancellationToken cancel) =>
        Akka.AkkaWorker.RunAsync(inputs, akka, notice, cancel);
#else
    /// <summary>Whether this build has Akka.Cluster.</summary>
    public static bool IsBuilt => false;

    /// <summary>Nothing: there are no such connections.</summary>
    public static int? DiallerPort(ReadOnlyMemory<byte> first) => null;

    /// <summary>Refuses.</summary>
    public static Task<int> RunLearnerAsync(LearnerInputs inputs, AkkaInputs akka, Func<TrainingSession> begin, Action<string> notice, CancellationToken cancel) => throw LeftOut();

    /// <summary>Refuses.</summary>
    public static Task<string> RunWorkerAsync(WorkerInputs inputs, AkkaInputs akka, Action<string> notice, CancellationToken cancel) => throw LeftOut();
#endif

    /// <summary>The fabric of local clusters unless another is chosen.</summary>
    public static string DefaultFabric => IsBuilt ? "akka" : "http";

    /// <summary>This build has no such fabric.</summary>
    public static RefusedException LeftOut() => new("--fabric akka: this build is without Akka.Cluster, which its package feed did not have; use --fabric http, or build where Akka.Cluster can be restored");
}

/// <summary>What a process that can be the learner is given.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Listen">Where the others fetch set-up and weights.</param>
/// <param name="Security">Secret and certificates.</param>
internal sealed record LearnerInputs(Protocol.NodeId Name, Uri Listen, Fabric.Http.HttpSecurity Security);
