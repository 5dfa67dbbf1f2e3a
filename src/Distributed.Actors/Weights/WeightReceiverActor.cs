// WeightReceiver: brings a node's engine to the newest published policy.
// Owns: which (epoch, version) the engine has, and one download at a time.
// Promises: versions only go up within an epoch; bytes that do not match the manifest are refused and fetched again; the engine swaps
// between turns (IPolicyEngine.LoadWeights); a newer version that comes during a download is taken up right after it.
// May lose: a PolicyPublished. It asks again (PolicyWanted) every few seconds while it has nothing, and the publisher repeats itself.
// Restarted by: NodeActor; it then knows nothing, asks for the newest policy and applies it again, which changes nothing.
using Akka.Actor;
using Distributed.Actors.Ports;
using Distributed.Ports;
using Distributed.Protocol;

namespace Distributed.Actors.Weights;

/// <summary>Pulls, checks and applies published weights.</summary>
public sealed class WeightReceiverActor : UntypedActor, IWithTimers
{
    private readonly WeightReceiverSettings _settings;
    private PolicyPublished? _applied;
    private PolicyPublished? _wanted;
    private Download? _download;
    private long _attempt;

    /// <summary>A receiver for one engine.</summary>
    public WeightReceiverActor(WeightReceiverSettings settings) => _settings = settings;

    /// <inheritdoc/>
    public ITimerScheduler Timers { get; set; } = null!;

    private sealed record Fetched(long Attempt, FetchedRange Range) : INoSerializationVerificationNeeded;

    private sealed record Loaded(long Attempt, EngineError? Error) : INoSerializationVerificationNeeded;

    private sealed record DownloadLate(long Attempt) : INoSerializationVerificationNeeded;

    private sealed class AskAgain : INoSerializationVerificationNeeded
    {
        public static AskAgain Instance { get; } = new();
    }

    private sealed class Download(PolicyPublished policy)
    {
        public PolicyPublished Policy { get; } = policy;
        public byte[] Bytes { get; } = new byte[policy.Manifest.TotalBytes];
        public long NextOffset { get; set; }
        public int InFlight { get; set; }
    }

    /// <inheritdoc/>
    protected override void PreStart()
    {
        Timers.StartPeriodicTimer(nameof(AskAgain), AskAgain.Instance, TimeSpan.FromSeconds(2));
        AskForNewest();
    }

    /// <inheritdoc/>
    protected override void OnReceive(object message)
    {
        _settings.Tap.Before("weight-receiver", message);
        switch (message)
        {
            case WireEnvelope { Message: PolicyPublished published }: Want(published); break;
            case Fetched fetched when fetched.Attempt == _attempt && _download != null: OnFetched(fetched.Range); break;
            case Loaded loaded when loaded.Attempt == _attempt && _download != null: OnLoaded(loaded.Error); break;
            case DownloadLate late when late.Attempt == _attempt && _download != null: Abandon($"nothing within {_settings.DownloadTimeout.TotalSeconds:0} s"); break;
            case WeightsAsked: Announce(); break;
            case AskAgain: if (_download == null) AskForNewest(); break;
            case Fetched or Loaded or DownloadLate: break; // of an abandoned download
            default: Unhandled(message); break;
        }
    }

    private void Want(PolicyPublished published)
    {
        if (!IsNewer(published, _applied) || !IsNewer(published, _download?.Policy)) return;
        if (published.Manifest.TotalBytes != _settings.ExpectedBytes)
        {
            _settings.Notice($"version {published.Version.Value} refused: {published.Manifest.TotalBytes} bytes, this node's model has {_settings.ExpectedBytes}");
            return;
        }

        _wanted = published;
        if (_download == null) Begin();
    }

    private void Begin()
    {
        _download = new Download(_wanted!);
        _wanted = null;
        _attempt++;
        Timers.StartSingleTimer(nameof(DownloadLate), new DownloadLate(_attempt), _settings.DownloadTimeout);
        RequestRanges();
    }

    private void RequestRanges()
    {
        var (download, attempt, self) = (_download!, _attempt, Self);
        while (download.InFlight < _settings.RangesInFlight && download.NextOffset < download.Bytes.Length)
        {
            var length = (int)Math.Min(_settings.RangeBytes, download.Bytes.Length - download.NextOffset);
            _settings.Transport.Fetch(download.Policy.Source, download.Policy.Epoch, download.Policy.Version, download.NextOffset, length,
                range => self.Tell(new Fetched(attempt, range)));
            download.NextOffset += length;
            download.InFlight++;
        }
    }

    private void OnFetched(FetchedRange range)
    {
        var download = _download!;
        if (range.Error != null)
        {
            Abandon(range.Error);
            return;
        }

        range.Bytes.Span.CopyTo(download.Bytes.AsSpan((int)range.Offset));
        download.InFlight--;
        RequestRanges();
        if (download.InFlight > 0 || download.NextOffset < download.Bytes.Length) return;
        if (Manifests.Verify(download.Policy.Manifest, download.Bytes) is { } wrong)
        {
            Abandon(wrong);
            return;
        }

        var (attempt, self) = (_attempt, Self);
        _settings.Engine.LoadWeights(download.Policy.Version.Value, download.Bytes, error => self.Tell(new Loaded(attempt, error)));
    }

    private void OnLoaded(EngineError? error)
    {
        if (error != null)
        {
            Abandon(error.Message);
            return;
        }

        _applied = _download!.Policy;
        EndDownload();
        Announce();
        if (_wanted != null && IsNewer(_wanted, _applied)) Begin();
    }

    private void Abandon(string why)
    {
        _settings.Notice($"version {_download!.Policy.Version.Value} not applied: {why}; asking again");
        EndDownload();
        AskForNewest();
    }

    private void EndDownload()
    {
        _download = null;
        Timers.Cancel(nameof(DownloadLate));
    }

    private void Announce()
    {
        if (_applied != null) Context.Parent.Tell(new WeightsApplied(_applied.Epoch, _applied.Version));
    }

    private void AskForNewest() => _settings.Fabric.Tell(_settings.Learner,
        new PolicyWanted(_settings.Fabric.Self, _applied?.Epoch ?? new LearnerEpoch(-1), _applied?.Version ?? new PolicyVersion(-1)));

    private static bool IsNewer(PolicyPublished candidate, PolicyPublished? than) => than == null
        || candidate.Epoch.Value > than.Epoch.Value
        || (candidate.Epoch == than.Epoch && candidate.Version.Value > than.Version.Value);
}

/// <summary>What a receiver needs.</summary>
public sealed record WeightReceiverSettings
{
    /// <summary>The way to other nodes.</summary>
    public required IFabric Fabric { get; init; }

    /// <summary>The learner's node.</summary>
    public required NodeId Learner { get; init; }

    /// <summary>Where the weights go.</summary>
    public required IPolicyEngine Engine { get; init; }

    /// <summary>Where they come from.</summary>
    public required IWeightTransport Transport { get; init; }

    /// <summary>A line for people.</summary>
    public required Action<string> Notice { get; init; }

    /// <summary>Sees messages first.</summary>
    public IMessageTap Tap { get; init; } = IMessageTap.None;

    /// <summary>Bytes of one range.</summary>
    public int RangeBytes { get; init; } = 1024 * 1024;

    /// <summary>Ranges asked for at once.</summary>
    public int RangesInFlight { get; init; } = 4;

    /// <summary>A download that takes longer is begun anew.</summary>
    public TimeSpan DownloadTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Size of a version of this engine's model, bytes; anything else is refused before memory is taken.</summary>
    public long ExpectedBytes => Engine.Tensors.Sum(tensor => tensor.ElementCount) * sizeof(float);
}
