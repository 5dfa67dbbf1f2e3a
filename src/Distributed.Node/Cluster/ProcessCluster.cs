using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Distributed.Fabric.Http;
using Distributed.Node.Runs;

namespace Distributed.Node.Cluster;

/// <summary>A local cluster to be started.</summary>
internal sealed record ClusterPlan
{
    /// <summary>The run folder, made already and not held open.</summary>
    public required string Run { get; init; }

    /// <summary>How the nodes reach each other.</summary>
    public string Fabric { get; init; } = "http";

    /// <summary>Rollout nodes.</summary>
    public required int Rollouts { get; init; }

    /// <summary>Scorer nodes.</summary>
    public required int Scorers { get; init; }

    /// <summary>The learner's output goes to a file too, instead of where this process's goes.</summary>
    public bool LogLearner { get; init; }

    /// <summary>Which port a node dials, given the learner's; the learner's itself unless something stands in between.</summary>
    public Func<string, int, int> PortFor { get; init; } = (_, port) => port;

    /// <summary>With fabric akka, the port others dial to reach a node's cluster, given its own; the same if nothing stands in between.</summary>
    public Func<string, int, int>? ClusterPortFor { get; init; }

    /// <summary>Variables for the processes besides the secret.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    /// <summary>When a node that dies is started again.</summary>
    public RestartPolicy Restarts { get; init; } = RestartPolicy.Default;
}

/// <summary>
/// A cluster of real processes on this machine, supervised: a node that dies is started again; the learner goes on at its newest checkpoint. The run is
/// over when the learner says so; then the others end too. Should this process die, the nodes notice by the end of their input and end cleanly.
/// </summary>
internal sealed class ProcessCluster : IDisposable
{
    private static readonly TimeSpan EndLimit = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan KillLimit = TimeSpan.FromSeconds(5);
    private readonly List<NodeProcess> _workers = [];

    /// <summary>Prepares the processes.</summary>
    public ProcessCluster(ClusterPlan plan, NodeProgram program, Action<string> notice)
    {
        var ports = FreePorts(2 + plan.Rollouts + plan.Scorers);
        Port = ports[0];
        var secret = Environment.GetEnvironmentVariable(ClusterSecret.EnvironmentVariable) is { Length: >= ClusterSecret.FewestCharacters } given ? given : ClusterSecret.Random().Text;
        var variables = new Dictionary<string, string>(plan.Environment) { [ClusterSecret.EnvironmentVariable] = secret };
        Security = new HttpSecurity(ClusterSecret.Of(secret));
        var logs = Path.Combine(plan.Run, "nodes");
        Disk.Guard(logs, () => Directory.CreateDirectory(logs));
        var epochs = new EpochFile(plan.Run);
        var epochBefore = epochs.Read();
        string[] common = ["--fabric", plan.Fabric, "--end-with-input"];
        Learner = new NodeProcess(
            program,
            new NodeStart("learner", ["node", "--role", "learner", "--resume", plan.Run, "--listen", Address(Port), .. ClusterPort("learner", ports[1]), .. common], plan.LogLearner ? Log("learner") : null, variables) { IsPatient = true },
            plan.Restarts,
            mayRetry: () => epochs.Read() > epochBefore, // it has lived: what ended it may be over
            notice);
        foreach (var (role, count) in new[] { ("rollout", plan.Rollouts), ("scorer", plan.Scorers) })
        {
            for (var number = 1; number <= count; number++)
            {
                var name = string.Create(CultureInfo.InvariantCulture, $"{role}-{number}");
                string[] arguments = ["node", "--role", role, "--name", name, "--join", Address(plan.PortFor(name, Port)), "--listen", Address(0), .. ClusterPort(name, ports[2 + _workers.Count]), .. common];
                _workers.Add(new NodeProcess(program, new NodeStart(name, arguments, Log(name), variables), plan.Restarts, mayRetry: () => true, notice));
            }
        }

        string Log(string name) => Path.Combine(logs, name + ".log");

        // A worker that is started again at the same port is known at once for a new life of the old one. A learner is better found at another port: it makes a
        // cluster of its own, and the workers of the old one must not take it for the old learner.
        string[] ClusterPort(string name, int port) => plan.Fabric != "akka" || (name == "learner" && plan.ClusterPortFor is null) ? []
            : ["--cluster-port", Number(port), .. plan.ClusterPortFor is null ? Array.Empty<string>() : ["--cluster-public-port", Number(plan.ClusterPortFor(name, port))]];
    }

    /// <summary>The learner's port.</summary>
    public int Port { get; }

    /// <summary>The cluster's secret.</summary>
    public HttpSecurity Security { get; }

    /// <summary>The learner's process.</summary>
    public NodeProcess Learner { get; }

    /// <summary>The other processes.</summary>
    public IReadOnlyList<NodeProcess> Workers => _workers;

    /// <summary>Every process.</summary>
    public IEnumerable<NodeProcess> Nodes => _workers.Prepend(Learner);

    /// <summary>Runs to the end; when <paramref name="cancel"/> asks, the learner stops with a checkpoint.</summary>
    /// <returns>The learner's exit code; 1 if it cannot go on because no other node can.</returns>
    public async Task<int> RunAsync(CancellationToken cancel)
    {
        using var registration = cancel.Register(Learner.AskToEnd);
        var learner = Learner.RunAsync();
        var workers = _workers.Select(worker => worker.RunAsync()).ToArray();
        var everyone = Task.WhenAll(workers);
        var code = 0;
        if (workers.Length > 0 && await Task.WhenAny(learner, everyone).ConfigureAwait(false) == everyone && !cancel.IsCancellationRequested)
        {
            // The learner may have ended them by saying that the run is over.
            if (await Task.WhenAny(learner, Task.Delay(EndLimit, CancellationToken.None)).ConfigureAwait(false) != learner)
            {
                code = 1;
                Learner.AskToEnd();
            }
        }

        code = Math.Max(code, await learner.ConfigureAwait(false));
        if (!everyone.IsCompleted) await Task.WhenAny(everyone, Task.Delay(EndLimit, CancellationToken.None)).ConfigureAwait(false);
        foreach (var worker in _workers) worker.AskToEnd();
        if (await Task.WhenAny(everyone, Task.Delay(KillLimit, CancellationToken.None)).ConfigureAwait(false) == everyone) return code;
        foreach (var worker in _workers) worker.Kill();
        await everyone.ConfigureAwait(false);
        return code;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var node in Nodes) node.Dispose();
    }

    private static string Address(int port) => string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}");

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);

    // All at once, so that they differ.
    private static int[] FreePorts(int count)
    {
        var listeners = Enumerable.Range(0, count).Select(_ => new TcpListener(IPAddress.Loopback, 0)).ToArray();
        foreach (var listener in listeners) listener.Start();
        var ports = listeners.Select(listener => ((IPEndPoint)listener.LocalEndpoint).Port).ToArray();
        foreach (var listener in listeners) listener.Dispose();
        return ports;
    }
}
