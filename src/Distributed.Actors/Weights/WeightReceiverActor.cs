// WeightReceiver: brings a node's engine to the newest published policy, and lets other nodes pull it from here.
// Owns: which (epoch, version) the node has, and one download at a time.
// Promises: versions only go up within an epoch; every range is checked as it comes and none that is here is fetched again; bytes that do not match the
// manifest are refused; the engine swaps between turns, or between tokens where partial rollouts allow (IPolicyEngine.LoadWeights); a newer version that comes during a
// download is taken up right after it.
// May lose: a PolicyPublished. It asks for a newer one (PolicyWanted) every AskAgain, and the publisher repeats itself. A source that fails is named in that question,
// and the publisher names another one; the first failure is reported at once, further ones at the pace of AskAgain.
// Restarted by: NodeActor. What the node has, also of a broken download, stands in AppliedWeights, which outlives the actor: a late notice of an older version is then
// still old, and replies to the former life's requests are not taken for replies to this one's.
using Akka.Actor;
using Distributed.Actors.Ports;
using Distributed.Ports;
using Distributed.Protocol;

namespace Distributed.Actors.Weights;

/// <summary>Pulls, checks, serves and applies published weights.</summary>
public sealed class WeightReceiverActor : UntypedActor, IWithTimers
{
    private readonly WeightReceiverSettings _settings;
    private readonly AppliedWeights _applied;
    private PolicyPublished? _wanted;
    private WeightDownload? _download;
    private HeldWeights? _loading;
    private long _attempt;
    private int _failuresInRow;
    private NodeId? _failedSource; // to be named in the next question

    /// <summary>A receiver for one engine.</summary>
    public WeightReceiverActor(WeightReceiverSettings settings)
    {
        _settings = settings;
        _applied = settings.Applied;
    }

    /// <inheritdoc/>
    public ITimerScheduler Timers { get; set; } = null!;

    private sealed record Fetched(long Attempt, WeightDownload Download, FetchedRange Range) : INoSerializationVerificationNeeded;

    private sealed record Loaded(long Attempt, EngineError? Error) : INoSerializationVerificationNeeded;

    private sealed record Late(long Attempt) : INoSerializationVerificationNeeded;

    private sealed class AskTime : INoSerializationVerificationNeeded
    {
        public static AskTime Instance { get; } = new();
    }

    /// <inheritdoc/>
    protected override void PreStart()
    {
        Timers.StartPeriodicTimer(nameof(AskTime), AskTime.Instance, _settings.AskAgain);
        if (!LoadHeld()) AskForNewest();
    }

    /// <inheritdoc/>
    protected override void OnReceive(object message)
    {
        _settings.Tap.Before("weight-receiver", message);
        switch (message)
        {
            case WireEnvelope { Message: PolicyPublished published }: Want(published); break;
            case Fetched fetched: OnFetched(fetched); break;
            case Loaded loaded when loaded.Attempt == _attempt && _loading != null: OnLoaded(loaded.Error); break;
            case Late late when late.Attempt == _attempt: OnLate(); break;
            case WeightsAsked: Announce(); break;
            case AskTime: if (_download == null && _loading == null && !LoadHeld()) AskForNewest(); break;
            case Loaded or Late: break; // of an abandoned attempt
            default: Unhandled(message); break;
        }
    }

    private void Want(PolicyPublished published)
    {
        if (!IsNewer(published, _applied.Newest) || !IsNewer(published, _applied.Held?.Policy) || !IsNewer(published, _download?.Policy)) return;
        if (_wanted != null && IsNewer(_wanted, published)) return;
        if (published.Manifest.TotalBytes != _settings.ExpectedBytes)
        {
            _settings.Notice($"version {published.Version.Value} refused: {published.Manifest.TotalBytes} bytes, this node's model has {_settings.ExpectedBytes}");
            return;
        }

        _wanted = published;
        BeginNext();
    }

    private void BeginNext()
    {
        if (_wanted == null || _download != null || _loading != null) return;
        var policy = _wanted;
        _wanted = null;
        var asDelta = _applied.Held is { } held && WeightDownload.PrefersDelta(policy, held.Policy.Epoch, held.Policy.Version)
            && !(_applied.DeltaRefused is { } refused && refused.Epoch == policy.Epoch && refused.Version == policy.Version);
        _download = _applied.Partial?.Continue(policy, asDelta) ?? new WeightDownload(policy, asDelta);
        _applied.Partial = _download;
        BeginAttempt();
        Go();
    }

    private void BeginAttempt()
    {
        _attempt = _applied.NextAttempt();
        Timers.StartSingleTimer(nameof(Late), new Late(_attempt), _settings.DownloadTimeout);
    }

    private void Go()
    {
        var (download, attempt, self) = (_download!, _attempt, Self);
        var source = new WeightSource(download.Policy.Source, download.Policy.Address);
        while (download.Ask(_settings.RangesInFlight) is var (offset, length))
            _settings.Transport.Fetch(source, download.Image, offset, download.Target(offset, length), range => self.Tell(new Fetched(attempt, download, range)));
        if (download.IsComplete) OnComplete();
    }

    // A range that a former attempt asked for is as good as any, if it is of this image and its checksum is right; but where this one has asked too, its own is on its way
    // to the same place.
    private void OnFetched(Fetched fetched)
    {
        var range = fetched.Range;
        if (_applied.Partial is not { } partial || fetched.Download.Image != partial.Image) return;
        if (fetched.Download != partial && partial.IsAsked(range.Offset)) return;
        if (range.Error != null && fetched.Download == partial) partial.Missed(range.Offset);
        if ((range.Error ?? partial.Accept(range.Offset, range.Bytes.Span)) is { } wrong)
        {
            if (fetched.Attempt == _attempt && _download != null) Abandon(wrong, _download.Policy.Source);
            return;
        }

        if (_download == null) return;

        Timers.StartSingleTimer(nameof(Late), new Late(_attempt), _settings.DownloadTimeout);
        Go();
    }

    private void OnComplete()
    {
        var download = _download!;
        (_download, _applied.Partial) = (null, null);
        ReadOnlyMemory<byte> bytes = download.Image.Since == null ? download.Bytes : WeightDelta.Apply(_applied.Held!.Bytes.Span, download.Bytes.Span);
        if (Manifests.Verify(download.Policy.Manifest, bytes.Span) is { } wrong)
        {
            if (download.Image.Since != null) _applied.DeltaRefused = download.Policy;
            Fail(download.Policy, wrong, download.Policy.Source);
            return;
        }

        _applied.Held = new HeldWeights(download.Policy, bytes);
        if (_settings.Transport.Address != null)
        {
            _settings.Transport.Offer(new WeightImage(download.Image.Epoch, download.Image.Version), bytes);
            if (download.Image.Since != null) _settings.Transport.Offer(download.Image, download.Bytes);
            AskForNewest(); // which says what this node can serve now
        }

        LoadHeld();
    }

    private bool LoadHeld()
    {
        if (_applied.Held is not { } held || !IsNewer(held.Policy, _applied.Newest)) return false;
        _loading = held;
        BeginAttempt();
        var (attempt, self) = (_attempt, Self);
        _settings.Engine.LoadWeights(held.Policy.Version.Value, held.Bytes, error => self.Tell(new Loaded(attempt, error)));
        return true;
    }

    private void OnLoaded(EngineError? error)
    {
        var policy = _loading!.Policy;
        _loading = null;
        Timers.Cancel(nameof(Late));
        if (error != null)
        {
            Fail(policy, error.Message, null);
            return;
        }

        _applied.Newest = policy;
        // Kept for other nodes and for the next delta; in one process nobody pulls from here and no delta is made.
        if (_settings.Transport.Address == null) _applied.Held = null;
        _failuresInRow = 0;
        Announce();
        BeginNext();
    }

    private void OnLate()
    {
        var why = $"nothing within {_settings.DownloadTimeout.TotalSeconds:0} s";
        if (_download != null)
        {
            Abandon(why, _download.Policy.Source);
        }
        else if (_loading is { } loading)
        {
            _loading = null;
            Fail(loading.Policy, why, null);
        }
    }

    // What is here of it is kept for the next attempt.
    private void Abandon(string why, NodeId source)
    {
        var policy = _download!.Policy;
        _download = null;
        Fail(policy, why, source);
    }

    private void Fail(PolicyPublished policy, string why, NodeId? source)
    {
        _settings.Notice($"version {policy.Version.Value} not applied: {why}; trying again");
        Timers.Cancel(nameof(Late));
        _attempt = _applied.NextAttempt();
        _failedSource = source;
        if (_wanted != null) BeginNext();
        else if (_failuresInRow++ == 0 && !LoadHeld()) AskForNewest();
    }

    private void Announce()
    {
        if (_applied.Newest is { } newest) Context.Parent.Tell(new WeightsApplied(newest.Epoch, newest.Version) { Checksum = Manifests.Checksum(newest.Manifest) });
    }

    private void AskForNewest()
    {
        var has = _applied.Held?.Policy ?? _applied.Newest;
        _settings.Fabric.Tell(_settings.Learner, new PolicyWanted(_settings.Fabric.Self, has?.Epoch ?? new LearnerEpoch(-1), has?.Version ?? new PolicyVersion(-1),
            _settings.Transport.Address, _failedSource));
        _failedSource = null;
    }

    private static bool IsNewer(PolicyPublished candidate, PolicyPublished? than) => than == null
        || candidate.Epoch.Value > than.Epoch.Value
        || (candidate.Epoch == than.Epoch && candidate.Version.Value > than.Version.Value);
}
