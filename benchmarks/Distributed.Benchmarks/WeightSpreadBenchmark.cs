using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Akka.Actor;
using Distributed.Actors;
using Distributed.Actors.Learning;
using Distributed.Actors.Ports;
using Distributed.Actors.Weights;
using Distributed.Fabric;
using Distributed.Fabric.Http;
using Distributed.Fabric.Http.Weights;
using Distributed.Fabric.Local;
using Distributed.Protocol;

namespace Distributed.Benchmarks;

/// <summary>
/// How fast a version of the weights spreads and what leaves the learner for it: real publisher and receivers, each node with its own HTTP endpoint on loopback; only
/// the notices go through memory. First, one pull beside a plain copy over TCP of the same ranges, in turns.
/// </summary>
internal static class WeightSpreadBenchmark
{
    private const int InFlight = 4;
    private static int RangeBytes = new WeightSpreadOptions().RangeBytes;
    private static readonly int[] NodeCounts = [1, 2, 4, 8];

    /// <summary>Prints both tables for a model of so many MiB, in ranges of so many KiB, or the usual ones if 0.</summary>
    public static void Run(int mebibytes, int rounds, int rangeKibibytes)
    {
        if (rangeKibibytes > 0) RangeBytes = rangeKibibytes << 10;
        var weights = Weights(mebibytes << 18);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{mebibytes} MiB of float32 in ranges of {RangeBytes >> 10} KiB, {InFlight} in flight, {rounds} rounds\n"));
        using (var copy = new PlainCopy(weights))
        using (var pull = new HttpPull(weights))
        {
            PairedRounds.Print("Over loopback, one source and one receiver", "MiB/s", PairedRounds.Measure(
                rounds,
                new Contender("plain copy over TCP into the same memory every time", () => copy.Run(fresh: false) >> 20),
                new Contender("plain copy over TCP into new memory", () => copy.Run(fresh: true) >> 20),
                new Contender("pull over HTTP ranges into new memory, checked", () => pull.Run() >> 20)));
        }

        Console.WriteLine("\n| nodes | form | seconds until all have it, median | MiB out of the learner | MiB out of peers |\n|---|---|---|---|---|");
        var next = Stepped(weights, 1e-5f);
        foreach (var nodes in NodeCounts)
        {
            foreach (var deltas in new[] { false, true })
            {
                using var spread = new SpreadRun(nodes, deltas, weights.Length);
                var results = Enumerable.Range(0, rounds).Select(round => spread.Publish(round % 2 == 0 ? next : weights)).ToArray();
                var seconds = results.Select(result => result.Seconds).Order().ToArray()[results.Length / 2];
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"| {nodes} | {(deltas ? "delta" : "whole")} | {seconds:0.000} | {results.Average(result => result.FromLearner) / (1 << 20):0.0} | {results.Average(result => result.FromPeers) / (1 << 20):0.0} |"));
            }
        }
    }

    private static byte[] Weights(int count)
    {
        var random = new Random(1);
        var values = new float[count];
        for (var i = 0; i < count; i++) values[i] = (float)((random.NextDouble() + random.NextDouble() + random.NextDouble() - 1.5) * 0.04);
        return System.Runtime.InteropServices.MemoryMarshal.AsBytes(values.AsSpan()).ToArray();
    }

    // What a step of AdamW at this learning rate does: every weight moves by about as much, up or down.
    private static byte[] Stepped(byte[] weights, float rate)
    {
        var random = new Random(2);
        var values = System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(weights).ToArray();
        for (var i = 0; i < values.Length; i++) values[i] += rate * (float)((random.NextDouble() * 2) - 1);
        return System.Runtime.InteropServices.MemoryMarshal.AsBytes(values.AsSpan()).ToArray();
    }

    /// <summary>The same ranges over bare sockets: a request of 12 bytes, the range as the answer.</summary>
    private sealed class PlainCopy : IDisposable
    {
        private readonly byte[] _source;
        private byte[] _target;
        private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        private readonly List<Socket> _sockets = [];

        public PlainCopy(byte[] source)
        {
            (_source, _target) = (source, new byte[source.Length]);
            _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            _listener.Listen();
            for (var i = 0; i < InFlight; i++)
            {
                var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                client.Connect(_listener.LocalEndPoint!);
                _sockets.Add(client);
                _ = Serve(_listener.Accept());
            }
        }

        public long Run(bool fresh)
        {
            // As a version needs it, while the one before is in use.
            if (fresh) _target = GC.AllocateUninitializedArray<byte>(_source.Length);
            Task.WhenAll(_sockets.Select((socket, index) => Pull(socket, index))).GetAwaiter().GetResult();
            return _target.Length;
        }

        public void Dispose()
        {
            foreach (var socket in _sockets) socket.Dispose();
            _listener.Dispose();
        }

        private async Task Pull(Socket socket, int first)
        {
            var request = new byte[12];
            for (long offset = (long)first * RangeBytes; offset < _target.Length; offset += (long)InFlight * RangeBytes)
            {
                var length = (int)Math.Min(RangeBytes, _target.Length - offset);
                BitConverter.TryWriteBytes(request, offset);
                BitConverter.TryWriteBytes(request.AsSpan(8), length);
                await socket.SendAsync(request);
                for (var have = 0; have < length;) have += await socket.ReceiveAsync(_target.AsMemory((int)offset + have, length - have));
            }
        }

        private async Task Serve(Socket socket)
        {
            using var own = socket;
            var request = new byte[12];
            while (true)
            {
                for (var have = 0; have < request.Length;)
                {
                    var read = await own.ReceiveAsync(request.AsMemory(have));
                    if (read == 0) return;
                    have += read;
                }

                var range = _source.AsMemory((int)BitConverter.ToInt64(request), BitConverter.ToInt32(request, 8));
                while (range.Length > 0) range = range[await own.SendAsync(range)..];
            }
        }
    }

    /// <summary>One download by the rules of the receiver, without actors.</summary>
    private sealed class HttpPull : IDisposable
    {
        private readonly HttpNode _source = new(null);
        private readonly HttpNode _receiver = new(null);
        private readonly PolicyPublished _policy;

        public HttpPull(byte[] weights)
        {
            _policy = new PolicyPublished(new LearnerEpoch(1), new PolicyVersion(1), new NodeId("learner"), new WeightManifest(weights.Length, []), _source.Address, Manifests.Cut(weights, RangeBytes));
            _source.Transport.Offer(new WeightImage(_policy.Epoch, _policy.Version), weights);
        }

        public long Run()
        {
            var download = new WeightDownload(_policy, asDelta: false);
            var (source, image) = (new WeightSource(_policy.Source, _policy.Address), download.Image);
            var gate = new Lock();
            var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            void Go()
            {
                while (download.Ask(InFlight) is var (offset, length)) _receiver.Transport.Fetch(source, image, offset, download.Target(offset, length), Take);
                if (download.IsComplete) done.TrySetResult();
            }

            void Take(FetchedRange range)
            {
                lock (gate)
                {
                    if ((range.Error ?? download.Accept(range.Offset, range.Bytes.Span)) is { } error) done.TrySetException(new InvalidOperationException(error));
                    else Go();
                }
            }

            lock (gate) Go();
            done.Task.GetAwaiter().GetResult();
            return download.Bytes.Length;
        }

        public void Dispose()
        {
            _receiver.Dispose();
            _source.Dispose();
        }
    }

    /// <summary>A node's transport and endpoint.</summary>
    private sealed class HttpNode : IDisposable
    {
        private static readonly HttpSecurity Security = new(ClusterSecret.Random());
        private readonly HttpEndpoint _endpoint;

        public HttpNode(string? name)
        {
            Name = name;
            HttpWeightTransport? transport = null;
            _endpoint = HttpEndpoint.StartAsync(new Uri("http://127.0.0.1:0"), Security, new FabricCounters(), TimeProvider.System, routes => routes.MapWeights(transport ??= New(null))).GetAwaiter().GetResult();
            Transport = transport!;
        }

        public string? Name { get; }

        public string Address => _endpoint.Address.ToString().TrimEnd('/');

        public HttpWeightTransport Transport { get; }

        /// <summary>The transport as the node's actors see it: with the address it really has.</summary>
        public IWeightTransport Addressed => new WithAddress(Transport, Address);

        public void Dispose()
        {
            _endpoint.DisposeAsync().AsTask().GetAwaiter().GetResult();
            Transport.Dispose();
        }

        private static HttpWeightTransport New(string? address) => new(new HttpWeightOptions
        {
            Sign = (method, path) => Security.Secret.Sign(method, path, TimeProvider.System.GetUtcNow()),
            Admits = (method, path, header) => Security.Secret.Verify(header, method, path, TimeProvider.System.GetUtcNow()),
            Address = address,
            Handler = Security.CreateHandler,
        });

        private sealed class WithAddress(HttpWeightTransport inner, string address) : IWeightTransport
        {
            public string? Address => address;

            public void Offer(WeightImage image, ReadOnlyMemory<byte> bytes) => inner.Offer(image, bytes);

            public void Fetch(WeightSource source, WeightImage image, long offset, int length, Action<FetchedRange> reply) => inner.Fetch(source, image, offset, length, reply);

            public void Fetch(WeightSource source, WeightImage image, long offset, Memory<byte> into, Action<FetchedRange> reply) => inner.Fetch(source, image, offset, into, reply);
        }
    }

    /// <summary>A publisher and some receivers.</summary>
    private sealed class SpreadRun : IDisposable
    {
        private readonly ActorSystem _system = ActorSystem.Create("spread", NodeConfiguration.Load());
        private readonly HttpNode _learner = new("learner");
        private readonly List<HttpNode> _nodes = [];
        private readonly List<LoadingEngine> _engines = [];
        private readonly IActorRef _publisher;
        private long _version;

        public SpreadRun(int nodes, bool deltas, int bytes)
        {
            var network = new LocalNetwork();
            var life = new LearnerLife(
                new LearnerSettings
                {
                    Coordinator = null!,
                    Learning = null!,
                    Fabric = network.Join(new NodeId("learner")),
                    Engine = new LoadingEngine(bytes),
                    Transport = _learner.Addressed,
                    Spread = new WeightSpreadOptions { RangeBytes = RangeBytes, Deltas = deltas },
                    ScoreJobs = null!,
                    Observer = null!,
                    Checkpoints = null!,
                    Time = TimeProvider.System,
                    InitialWeights = default,
                    Recipe = "",
                },
                new LearnerEpoch(1),
                new PolicyVersion(0));
            _publisher = _system.ActorOf(Props.Create(() => new WeightPublisherActor(life, Array.Empty<NodeId>())));
            life.Fabric.Attach(_publisher);
            for (var number = 0; number < nodes; number++)
            {
                var (node, engine, fabric) = (new HttpNode($"n{number}"), new LoadingEngine(bytes), network.Join(new NodeId($"n{number}")));
                _nodes.Add(node);
                _engines.Add(engine);
                var receiver = new WeightReceiverSettings { Fabric = fabric, Learner = life.Fabric.Self, Engine = engine, Transport = node.Addressed, Notice = Console.Error.WriteLine, RangesInFlight = InFlight };
                _system.ActorOf(Props.Create(() => new NodeActor(fabric, new NodeRoles(null, null, Props.Create(() => new WeightReceiverActor(receiver)), null))), $"n{number}");
            }

            // The first version is always whole, and wakes everything up.
            Publish(new byte[bytes]);
            Publish(new byte[bytes]);
        }

        public (double Seconds, double FromLearner, double FromPeers) Publish(byte[] weights)
        {
            var (learner, peers) = (_learner.Transport.BytesServed, _nodes.Sum(node => node.Transport.BytesServed));
            _version++;
            var loaded = _engines.Select(engine => engine.Loaded(_version)).ToArray();
            var began = Stopwatch.GetTimestamp();
            _publisher.Tell(new PublishWeights(new PolicyVersion(_version), weights), ActorRefs.NoSender);
            if (!Task.WhenAll(loaded).Wait(TimeSpan.FromMinutes(2))) throw new InvalidOperationException($"version {_version} did not reach all");
            return (Stopwatch.GetElapsedTime(began).TotalSeconds, _learner.Transport.BytesServed - learner, _nodes.Sum(node => node.Transport.BytesServed) - peers);
        }

        public void Dispose()
        {
            _system.Terminate().Wait(TimeSpan.FromSeconds(10));
            foreach (var node in _nodes) node.Dispose();
            _learner.Dispose();
        }
    }
}
