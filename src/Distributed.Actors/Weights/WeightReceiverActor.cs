// WeightReceiver: brings a node's engine to the newest published policy.
// Owns: which (epoch, version) the engine has, and one download at a time.
// Promises: versions only go up within an epoch; bytes that do not match the manifest are refused and fetched again (the first time at once,
// then at the pace of AskAgain); the engine swaps between turns (IPolicyEngine.LoadWeights); a newer version that comes during a download is
// taken up right after it.
// May lose: a PolicyPublished. It asks for a newer one (PolicyWanted) every AskAgain, and the publisher repeats itself.
// Restarted by: NodeActor. What the engine has stands in AppliedWeights, which outlives the actor: a late notice of an older version is then
// still old, and replies to the former life's requests are not taken for replies to this one's.
using Akka.Actor;
using Distributed.Actors.Ports;
using Distributed.Ports;
using Distributed.Protocol;

namespace Distributed.Actors.Weights;

/// <summary>Pulls, checks and applies published weights.</summary>
public sealed class WeightReceiverActor : UntypedActor, IWithTimers
{
    private readonly WeightReceiverSettings _settings;
    private readonly AppliedWeights _applied;
    private PolicyPublished? _wanted;
    private Download? _download;
    private long _attempt;
    private int _failuresInRow;

    /// <summary>A receiver for one engine.</summary>
    public WeightReceiverActor(WeightReceiverSettings settings)
    {
        _settings = settings;
        _applied = settings.Applied;
    }

    /// <inheritdoc/>
    public ITimerScheduler Timers { get; set; } = null!;

    private sealed record Fetched(long Attempt, FetchedRange Range) : INoSerializationVerificationNeeded;

    private sealed record Loaded(long Attempt, EngineError? Error) : INoSerializationVerificationNeeded;

    private sealed record DownloadLate(long Attempt) : INoSerializationVerificationNeeded;

    private sealed class AskTime : INoSerializationVerificationNeeded
    {
        public static AskTime Instance { get; } = new();
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
        Timers.StartPeriodicTimer(nameof(AskTime), AskTime.Instance, _settings.AskAgain);
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
            case AskTime: if (_download == null) AskForNewest(); break;
            case Fetched or Loaded or DownloadLate: break; // of an abandoned download
            default: Unhandled(message); break;
        }
    }

    private void Want(PolicyPublished published)
    {
        if (!IsNewer(published, _applied.Newest) || !IsNewer(published, _download?.Policy) || !IsNewer(published, _wanted)) return;
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
        _attempt = _applied.NextAttempt();
        Timers.StartSingleTimer(nameof(DownloadLate), new DownloadLate(_attempt), _settings.DownloadTimeout);
        RequestRanges();
    }

    private void RequestRanges()
    {
        var (download, attempt, self) = (_download!, _attempt, Self);
        var policy = download.Policy;
        while (download.InFlight < _settings.RangesInFlight && download.NextOffset < download.Bytes.Length)
        {
            var (offset, length) = (download.NextOffset, LengthAt(download.NextOffset));
            download.NextOffset += length;
            download.InFlight++;
            _settings.Transport.Fetch(new WeightSource(policy.Source, policy.Address), new WeightImage(policy.Epoch, policy.Version), offset, length,
                range => self.Tell(new Fetched(attempt, range)));
        }
    }

    private int LengthAt(long offset) => (int)Math.Min(_settings.RangeBytes, _download!.Bytes.Length - offset);

    private void OnFetched(FetchedRange range)
    {
        var download = _download!;
        if (range.Error != null)
        {
            Abandon(range.Error);
            return;
        }

        if (range.Offset < 0 || range.Offset >= download.NextOffset || range.Offset % _settings.RangeBytes != 0 || range.Bytes.Length != LengthAt(range.Offset))
        {
            Abandon($"a range {range.Offset}+{range.Bytes.Length} that was not asked for");
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

        _applied.Newest = _download!.Policy;
        _failuresInRow = 0;
        EndDownload();
        Announce();
        if (_wanted != null) Begin();
    }

    private void Abandon(string why)
    {
        _settings.Notice($"version {_download!.Policy.Version.Value} not applied: {why}; asking again");
        EndDownload();
        if (_wanted != null) Begin();
        else if (_failuresInRow++ == 0) AskForNewest();
    }

    private void EndDownload()
    {
        _download = null;
        Timers.Cancel(nameof(DownloadLate));
    }

    private void Announce()
    {
        if (_applied.Newest is { } newest) Context.Parent.Tell(new WeightsApplied(newest.Epoch, newest.Version));
    }

    private void AskForNewest() => _settings.Fabric.Tell(_settings.Learner,
        new PolicyWanted(_settings.Fabric.Self, _applied.Newest?.Epoch ?? new LearnerEpoch(-1), _applied.Newest?.Version ?? new PolicyVersion(-1)));

    private static bool IsNewer(PolicyPublished candidate, PolicyPublished? than) => than == null
        || candidate.Epoch.Value > than.Epoch.Value
        || (candidate.Epoch == than.Epoch && candidate.Version.Value > than.Version.Value);
}
