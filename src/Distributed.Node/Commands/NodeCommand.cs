using System.CommandLine;
using System.Globalization;
using Distributed.Fabric.Http;
using Distributed.Node.Cluster;
using Distributed.Node.Composition;
using Distributed.Protocol;

namespace Distributed.Node.Commands;

/// <summary><c>distributed node</c>: one node of a cluster, with any mix of roles.</summary>
internal static class NodeCommand
{
    private static readonly string[] Roles = ["learner", "rollout", "scorer"];
    private static readonly string[] Fabrics = ["http", "akka"];

    /// <summary>The command.</summary>
    public static Command Create()
    {
        var recipe = new Argument<string?>("recipe") { Description = "With --role learner: the recipe to run; recipes/search-qa.yaml if left out.", Arity = ArgumentArity.ZeroOrOne };
        var roles = new Option<string[]>("--role") { Description = "What the node does: learner, rollout, scorer; may be given several times.", Required = true };
        roles.AcceptOnlyFromAmong(Roles);
        var fabric = new Option<string>("--fabric") { Description = "How the nodes reach each other: http, or akka (Akka.Cluster).", DefaultValueFactory = _ => "http" };
        fabric.AcceptOnlyFromAmong(Fabrics);
        var join = new Option<string?>("--join") { Description = "The learner's node, for example http://10.0.0.5:7400." };
        var listen = new Option<string?>("--listen") { Description = "Where this node listens; http://127.0.0.1:7400 for a learner if left out. A worker that listens lets others pull weights from it." };
        var name = new Option<string?>("--name") { Description = "The node's name, unique in the cluster; made up from role, machine and process if left out." };
        var threads = new Option<int?>("--threads") { Description = "Engine threads of a rollout or scorer node; the recipe's, at most this machine's cores, if left out." };
        var engine = EngineOverrides.Name();
        var device = EngineOverrides.Device();
        var grace = new Option<double>("--grace") { Description = "Seconds a leaving node has for the work it has taken.", DefaultValueFactory = _ => 20 };
        var secret = new Option<string?>("--secret-file") { Description = $"File that holds the cluster's secret; the environment variable {ClusterSecret.EnvironmentVariable} if left out." };
        var certificate = new Option<string?>("--tls-cert") { Description = "PEM file of the certificate to show, for --listen https://..." };
        var key = new Option<string?>("--tls-key") { Description = "PEM file of its key, if it is not in the same file." };
        var authority = new Option<string?>("--tls-ca") { Description = "PEM file of the certificates to believe when joining https://...; the machine's own if left out." };
        var set = new Option<string[]>("--set") { Description = "With --role learner: override an option of the recipe.", AllowMultipleArgumentsPerToken = false };
        var output = new Option<string?>("--out") { Description = "With --role learner: the run folder." };
        var resume = new Option<string?>("--resume") { Description = "With --role learner: go on with the run in this folder." };
        var run = new Option<string?>("--run") { Description = "With --role learner: the run folder; gone on with if it is there, begun if it is not. For containers, and for standbys." };
        var host = new Option<string?>("--cluster-host") { Description = "With --fabric akka: name or address under which the others reach this node's cluster port; the environment variable CLUSTER_HOST if left out." };
        var port = new Option<int?>("--cluster-port") { Description = "With --fabric akka: the cluster port; CLUSTER_PORT if left out." };
        var publicPort = new Option<int?>("--cluster-public-port") { Description = "Port under which others reach the cluster port.", Hidden = true };
        var seed = new Option<string[]>("--seed") { Description = "With --fabric akka: HOST:PORT of a member to join, may be given several times. Workers that are given none ask the learner; a learner that is given none forms the cluster." };
        var environment = new Option<string>("--environment") { Description = "With --fabric akka: which file of cluster-config/env applies.", DefaultValueFactory = _ => "local" };
        environment.AcceptOnlyFromAmong([.. Fabric.NodeConfiguration.Environments]);
        var input = new Option<bool>("--end-with-input") { Description = "End as if asked to when standard input ends.", Hidden = true };
        var command = new Command("node", "Run one node of a cluster; docs/cluster.md.")
        {
            recipe, roles, fabric, join, listen, name, threads, engine, device, grace, secret, certificate, key, authority, set, output, resume, run, host, port, publicPort, seed, environment, input,
        };
        command.SetAction(async (parsed, cancel) =>
        {
            using var end = CancellationTokenSource.CreateLinkedTokenSource(cancel);
            if (parsed.GetValue(input)) EndWithInput(end);
            var wanted = parsed.GetValue(roles)!.ToHashSet();
            var security = new NodeSecurity(parsed.GetValue(secret), parsed.GetValue(certificate), parsed.GetValue(key), parsed.GetValue(authority)).Read();
            var isAkka = parsed.GetValue(fabric) == "akka";
            var akka = new AkkaInputs
            {
                Environment = parsed.GetValue(environment)!,
                Host = parsed.GetValue(host) ?? Environment.GetEnvironmentVariable("CLUSTER_HOST"),
                Port = parsed.GetValue(port) ?? PortFromEnvironment(),
                PublicPort = parsed.GetValue(publicPort),
                Seeds = parsed.GetValue(seed) ?? [],
            };
            if (wanted.Contains("learner"))
            {
                if (parsed.GetValue(join) is not null) throw new RefusedException("--join is for nodes without the role learner; the others dial this one");
                var address = NodeAddress.Parse(parsed.GetValue(listen) ?? $"http://127.0.0.1:{NodeAddress.DefaultPort}", "--listen", NodeAddress.DefaultPort);
                if (isAkka && wanted.Count > 1) throw new RefusedException("--fabric akka: a learner has no other role; start a node of its own for it");
                string[] overrides = [.. parsed.GetValue(set) ?? [], .. EngineOverrides.Of(parsed.GetValue(engine), parsed.GetValue(device))];
                var begin = () => BeginOrGoOn(parsed.GetValue(run), parsed.GetValue(recipe), overrides, parsed.GetValue(output), parsed.GetValue(resume), wanted);
                if (isAkka) return await AkkaFabric.RunLearnerAsync(new LearnerInputs(Named(parsed.GetValue(name), wanted), address, security), akka, begin, Say, end.Token).ConfigureAwait(false);
                return begin().Run(
                    (run, say) => RunParts.Create(run, wanted.Count > 1 ? 1 : 0, 0, say),
                    run => HttpRunCluster.Start(run, address, wanted.Contains("rollout"), wanted.Contains("scorer"), security, new HttpFabricOptions()),
                    end.Token);
            }

            if ((parsed.GetValue(recipe) ?? parsed.GetValue(output) ?? parsed.GetValue(resume) ?? parsed.GetValue(run)) is not null || parsed.GetValue(set) is { Length: > 0 })
                throw new RefusedException("a recipe, --set, --out, --resume and --run are the learner's; the other nodes get everything from it");
            var learner = parsed.GetValue(join) ?? throw new RefusedException("--join is missing; name the learner's node, for example --join http://10.0.0.5:7400");
            var inputs = new WorkerInputs
            {
                Name = Named(parsed.GetValue(name), wanted),
                Rollout = wanted.Contains("rollout"),
                Scorer = wanted.Contains("scorer"),
                Join = NodeAddress.Parse(learner, "--join", NodeAddress.DefaultPort),
                Listen = parsed.GetValue(listen) is { } own ? NodeAddress.Parse(own, "--listen", 0) : null,
                Threads = parsed.GetValue(threads),
                Engine = parsed.GetValue(engine),
                Device = parsed.GetValue(device),
                Grace = TimeSpan.FromSeconds(Math.Clamp(parsed.GetValue(grace), 0, 3600)),
                Security = security,
                Options = new HttpFabricOptions(),
            };
            Say(await (isAkka ? AkkaFabric.RunWorkerAsync(inputs, akka, Say, end.Token) : WorkerNode.RunAsync(inputs, Say, end.Token)).ConfigureAwait(false));
            return 0;
        });
        return command;
    }

    // Decided when the node is the learner, not before: a standby's run has begun elsewhere meanwhile.
    private static TrainingSession BeginOrGoOn(string? run, string? recipe, IReadOnlyList<string> overrides, string? output, string? resume, IReadOnlyCollection<string> roles)
    {
        if (run is null) return TrainingSession.Begin(recipe, overrides, output, resume, roles);
        if ((output ?? resume) is not null) throw new RefusedException("--run goes on with a run or begins it; leave --out and --resume away");
        return File.Exists(Runs.RunFolder.RecipeOf(run)) ? TrainingSession.Begin(null, [], null, run, roles) : TrainingSession.Begin(recipe, overrides, run, null, roles);
    }

    private static int? PortFromEnvironment() => Environment.GetEnvironmentVariable("CLUSTER_PORT") is not { Length: > 0 } text ? null
        : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port <= 65_535 ? port
        : throw new RefusedException($"CLUSTER_PORT: '{text}' is no port; write a number from 0 to 65535");

    private static NodeId Named(string? name, IReadOnlySet<string> roles) => new(name ?? string.Create(
        CultureInfo.InvariantCulture, $"{string.Join('-', roles.Order(StringComparer.Ordinal))}-{Environment.MachineName.Split('.')[0]}-{Environment.ProcessId}"));

    private static void Say(string line) => Console.WriteLine(line);

    // A launcher that dies, however it dies, closes the pipe.
    /// <summary>Cancels when standard input ends: the process that started this one is no more, or asks it to end.</summary>
    internal static void EndWithInput(CancellationTokenSource end) => new Thread(() =>
    {
        try
        {
            while (Console.OpenStandardInput().Read(new byte[256]) > 0)
            {
            }
        }
        catch (IOException)
        {
            // As good as an end.
        }

        try
        {
            end.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The node has ended already.
        }
    })
    { IsBackground = true, Name = "input" }.Start();
}
