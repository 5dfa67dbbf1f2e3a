using System.Diagnostics;
using Distributed.Engine.Formats;
using Distributed.Engine.Generation;
using Distributed.Engine.Kernels;
using Distributed.Engine.Model;
using Distributed.Engine.Scoring;
using Distributed.Engine.Training;
using Distributed.Ports;

namespace Distributed.Engine.Hosting;

/// <summary>
/// The managed CPU engine behind its port. One engine thread and its compute pool own the model. Turns are sampled between any other two
/// pieces of work; work other than sampling is done in the order it was asked for; what changes the weights waits until no turn is under way
/// and lets none begin meanwhile.
/// </summary>
public sealed class ManagedPolicyEngine : IPolicyEngine
{
    private const int ScoreBatch = 512;
    private static readonly EngineError Closed = new("the engine was closed before it came to this request");

    private readonly object _gate = new();
    private readonly ModelWeights _weights;
    private readonly ITokenizer _tokenizer;
    private readonly EngineBounds _bounds;
    private readonly ComputePool _pool;
    private readonly PackedModel _model;
    private readonly GenerationLoop _generation;
    private readonly BranchScorer _scorer;
    private readonly SequenceScorer _logProbs;
    private readonly Thread _thread;
    private readonly LinkedList<EngineWork> _work = new();
    private readonly Queue<Turn> _held = new();
    private readonly StopRules _stops;
    private Trainer? _trainer;
    private int _unanswered;
    private int _changesWaiting;
    private long _weightsVersion;
    private bool _closed;
    private long _tokensScored, _tokensTrained, _refused;
    private double _generateSeconds, _scoreSeconds, _trainSeconds;

    private ManagedPolicyEngine(ModelWeights weights, ITokenizer tokenizer, EngineBounds bounds)
    {
        (_weights, _tokenizer, _bounds) = (weights, tokenizer, bounds);
        _pool = new ComputePool(bounds.Threads);
        _model = new PackedModel(weights, bounds.ContextLength);
        _stops = new StopRules(tokenizer, weights.Config.VocabularySize);
        var layout = new KeyValueLayout(weights.Config.Layers, weights.Config.KeyValueHeads, weights.Config.HeadSize);
        var pages = (int)Math.Clamp(bounds.CacheBytes / (layout.PageFloats * (long)sizeof(float)), 1, int.MaxValue / 2);
        _generation = new GenerationLoop(_gate, _model, new GenerationBounds(bounds.MaxSequences, pages), bounds.Threads, AnswerTurn);
        _scorer = new BranchScorer(_model, _pool);
        _logProbs = new SequenceScorer(_model, _pool);
        Limits = weights.Config.Limits(_model.ContextLength);
        _thread = new Thread(Serve) { IsBackground = true, Name = "engine" };
        _thread.Start();
    }

    /// <summary>An engine with the weights of a Hugging Face folder.</summary>
    /// <exception cref="ModelFormatException">A file is missing or broken.</exception>
    public static ManagedPolicyEngine FromFolder(string folder, ITokenizer tokenizer, EngineBounds bounds) => Create(ModelFolder.Load(folder), tokenizer, bounds);

    /// <summary>An engine with random weights of a seed.</summary>
    public static ManagedPolicyEngine FromSeed(ModelConfig config, ulong seed, ITokenizer tokenizer, EngineBounds bounds) => Create(ModelWeights.Random(config, seed), tokenizer, bounds);

    /// <summary>An engine of a shape with given flat weights.</summary>
    /// <exception cref="ArgumentException">The weights are not those of such a model.</exception>
    public static ManagedPolicyEngine FromWeights(ModelConfig config, ReadOnlySpan<byte> flat, ITokenizer tokenizer, EngineBounds bounds)
    {
        var weights = new ModelWeights(config);
        try
        {
            weights.CopyFrom(flat);
        }
        catch
        {
            weights.Dispose();
            throw;
        }

        return Create(weights, tokenizer, bounds);
    }

    /// <inheritdoc/>
    public EngineLimits Limits { get; }

    /// <inheritdoc/>
    public long WeightsVersion => Interlocked.Read(ref _weightsVersion);

    /// <inheritdoc/>
    public IReadOnlyList<TensorShape> Tensors => _weights.Tensors;

    /// <summary>What it has done so far.</summary>
    public EngineCounters Counters
    {
        get
        {
            lock (_gate)
                return new EngineCounters(_generation.TokensSampled, _generation.TokensFed, _generateSeconds, _tokensScored, _scoreSeconds, _tokensTrained, _trainSeconds, _refused);
        }
    }

    /// <inheritdoc/>
    public void Generate(GenerateRequest request, Action<GenerateReply> reply)
    {
        var turn = new Turn(request, _stops.For(request.StopStrings), reply);
        lock (_gate)
        {
            if (Admit())
            {
                if (_changesWaiting > 0)
                {
                    _held.Enqueue(turn);
                }
                else
                {
                    _generation.Add(turn);
                    Monitor.PulseAll(_gate);
                }

                return;
            }
        }

        reply(new GenerateReply(request.Sequence, default, default, WeightsVersion, FinishReason.Failed, Refusal()));
    }

    /// <inheritdoc/>
    public void Release(long sequence)
    {
        lock (_gate) _generation.Release(sequence);
    }

    /// <inheritdoc/>
    public void Score(ScoreRequest request, Action<ScoreReply> reply) => Enqueue(new EngineWork.Score(request, reply));

    /// <inheritdoc/>
    public void LogProbs(IReadOnlyList<TrainSequence> sequences, Action<LogProbsReply> reply) => Enqueue(new EngineWork.LogProbs(sequences, reply));

    /// <inheritdoc/>
    public void Train(TrainRequest request, Action<TrainReply> reply) => Enqueue(new EngineWork.Train(request, reply));

    /// <inheritdoc/>
    public void LoadWeights(long version, ReadOnlyMemory<byte> weights, Action<EngineError?> reply) => Enqueue(new EngineWork.LoadWeights(version, weights, reply));

    /// <inheritdoc/>
    public void ReadWeights(Action<ReadOnlyMemory<byte>, EngineError?> reply) => Enqueue(new EngineWork.ReadWeights(reply));

    /// <inheritdoc/>
    public void ReadOptimizer(Action<OptimizerState?, EngineError?> reply) => Enqueue(new EngineWork.ReadOptimizer(reply));

    /// <inheritdoc/>
    public void LoadOptimizer(OptimizerState? state, Action<EngineError?> reply) => Enqueue(new EngineWork.LoadOptimizer(state, reply));

    /// <summary>Ends the engine thread; whatever is not answered yet is answered with an error.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_closed) return;
            _closed = true;
            _generation.Pause();
            Monitor.PulseAll(_gate);
        }

        if (Thread.CurrentThread != _thread) _thread.Join();
    }

    private static ManagedPolicyEngine Create(ModelWeights weights, ITokenizer tokenizer, EngineBounds bounds)
    {
        if (tokenizer.VocabularySize > weights.Config.VocabularySize)
        {
            var (has, knows) = (tokenizer.VocabularySize, weights.Config.VocabularySize);
            weights.Dispose();
            throw new ModelFormatException($"tokenizer.json has {has} tokens, the model's vocabulary {knows}; they do not belong together");
        }

        return new ManagedPolicyEngine(weights, tokenizer, bounds);
    }

    private void Enqueue(EngineWork work)
    {
        lock (_gate)
        {
            if (Admit())
            {
                _work.AddLast(work);
                if (work.ChangesWeights) _changesWaiting++;
                _generation.Pause();
                Monitor.PulseAll(_gate);
                return;
            }
        }

        work.Refuse(Refusal());
    }

    private bool Admit()
    {
        if (_closed) return false;
        if (_unanswered >= _bounds.MaxRequests)
        {
            _refused++;
            return false;
        }

        _unanswered++;
        return true;
    }

    private EngineError Refusal() => _closed ? Closed : new EngineError($"{_bounds.MaxRequests} requests wait for the engine, which is the most; ask again later");

    private void Serve()
    {
        while (true)
        {
            EngineWork? next = null;
            lock (_gate)
            {
                while (!_closed && _work.Count == 0 && !_generation.HasWork) Monitor.Wait(_gate);
                if (_closed) break;
                _generation.Resume();
                // A change of weights waits for the turns under way; all other work goes before the next token.
                if (_work.First is { } first && !(first.Value.ChangesWeights && _generation.HasWork))
                {
                    next = first.Value;
                    _work.RemoveFirst();
                }
            }

            if (next == null) Sample();
            else Do(next);
        }

        Close();
    }

    private void Sample()
    {
        var began = Stopwatch.GetTimestamp();
        _pool.Run(_generation.RunWorker);
        lock (_gate) _generateSeconds += Stopwatch.GetElapsedTime(began).TotalSeconds;
    }

    private void Do(EngineWork work)
    {
        var began = Stopwatch.GetTimestamp();
        switch (work)
        {
            case EngineWork.Score score:
                ScoreMany(score, began);
                return;
            case EngineWork.LogProbs ask:
                var logProbs = _logProbs.LogProbs(ask.Sequences);
                CountTraining(ask.Sequences, began);
                Answered(1);
                ask.Reply(logProbs);
                return;
            case EngineWork.Train train:
                _trainer ??= new Trainer(_model, _pool);
                var trained = _trainer.Step(train.Request);
                CountTraining(train.Request.Sequences, began);
                Changed(WeightsVersion);
                train.Reply(trained);
                return;
            case EngineWork.LoadWeights load:
                var error = Load(load);
                Changed(error == null ? load.Version : WeightsVersion);
                load.Reply(error);
                return;
            case EngineWork.ReadWeights read:
                var bytes = new byte[_weights.ByteCount];
                _weights.CopyTo(bytes);
                Answered(1);
                read.Reply(bytes, null);
                return;
            case EngineWork.ReadOptimizer read:
                _trainer ??= new Trainer(_model, _pool);
                var state = _trainer.ReadOptimizer();
                Answered(1);
                read.Reply(state, null);
                return;
            case EngineWork.LoadOptimizer load:
                _trainer ??= new Trainer(_model, _pool);
                var wrong = _trainer.LoadOptimizer(load.State);
                Answered(1);
                load.Reply(wrong);
                return;
            default:
                throw new InvalidOperationException($"{work.GetType().Name} is unknown to the engine");
        }
    }

    // Requests that wait together are computed together; each result is the same as alone.
    private void ScoreMany(EngineWork.Score first, long began)
    {
        var batch = new List<EngineWork.Score> { first };
        lock (_gate)
        {
            while (batch.Count < ScoreBatch && _work.First?.Value is EngineWork.Score more)
            {
                batch.Add(more);
                _work.RemoveFirst();
            }
        }

        var replies = _scorer.Score([.. batch.Select(score => score.Request)], WeightsVersion);
        lock (_gate)
        {
            _tokensScored += batch.Sum(score => (long)BranchPass.RowsOf(score.Request));
            _scoreSeconds += Stopwatch.GetElapsedTime(began).TotalSeconds;
            _unanswered -= batch.Count;
        }

        for (var i = 0; i < replies.Length; i++) batch[i].Reply(replies[i]);
    }

    private EngineError? Load(EngineWork.LoadWeights load)
    {
        try
        {
            _weights.CopyFrom(load.Weights.Span);
        }
        catch (ArgumentException error)
        {
            return new EngineError(error.Message);
        }

        var part = -1;
        _pool.Run(_ =>
        {
            for (int mine; (mine = Interlocked.Increment(ref part)) < _model.PartCount;) _model.RepackPart(mine);
        });
        return null;
    }

    // The weights may have changed: cached keys and values are void, and the turns that were held may begin.
    private void Changed(long version)
    {
        lock (_gate)
        {
            Interlocked.Exchange(ref _weightsVersion, version);
            _generation.Version++;
            _unanswered--;
            _changesWaiting--;
            while (_changesWaiting == 0 && _held.TryDequeue(out var turn)) _generation.Add(turn);
        }
    }

    private void CountTraining(IReadOnlyList<TrainSequence> sequences, long began)
    {
        lock (_gate)
        {
            _tokensTrained += sequences.Sum(sequence => (long)sequence.Tokens.Length);
            _trainSeconds += Stopwatch.GetElapsedTime(began).TotalSeconds;
        }
    }

    private void Answered(int count)
    {
        lock (_gate) _unanswered -= count;
    }

    // No turn is under way while the weights change, so the version now is the one it was sampled with.
    private void AnswerTurn(Turn turn)
    {
        Answered(1);
        turn.Answer(turn.ToReply() with { Version = WeightsVersion });
    }

    private void Close()
    {
        List<Turn> turns;
        EngineWork[] work;
        lock (_gate)
        {
            turns = _generation.FailAll(Closed.Message);
            foreach (var turn in _held) turn.Fail(Closed.Message);
            turns.AddRange(_held);
            _held.Clear();
            work = [.. _work];
            _work.Clear();
        }

        foreach (var turn in turns) AnswerTurn(turn);
        foreach (var item in work) item.Refuse(Closed);
        _pool.Dispose();
        _trainer?.Dispose();
        _scorer.Dispose();
        _logProbs.Dispose();
        _generation.Dispose();
        _model.Dispose();
        _weights.Dispose();
    }
}
