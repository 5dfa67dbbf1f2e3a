using System.Collections.Concurrent;
using Distributed.Ports;

namespace Distributed.Node.Evaluation;

/// <summary>
/// Asks a policy many questions at once and waits for all answers. Greedy, so the result depends on the weights and the questions alone.
/// Episodes run as the rollout workers run them: the same stops, limits and outcomes.
/// </summary>
public sealed class HeldOutEvaluator
{
    /// <summary>Most questions under way at once; more wait. Bounds the engine's cache.</summary>
    public const int MostAtOnce = 512;

    private static readonly TimeSpan LongestSilence = TimeSpan.FromMinutes(2);
    private static long lastSequence;

    private readonly IPolicyEngine engine;
    private readonly ITokenizer tokenizer;
    private readonly IEnvironment environment;
    private readonly IEpisodeHost host;
    private readonly BlockingCollection<Action> arrived = [];

    /// <summary>An evaluator of the policy an engine holds now.</summary>
    /// <param name="engine">Samples; nobody else uses it meanwhile.</param>
    /// <param name="tokenizer">The model's.</param>
    /// <param name="environment">Where the questions come from.</param>
    /// <param name="host">Takes the steps.</param>
    public HeldOutEvaluator(IPolicyEngine engine, ITokenizer tokenizer, IEnvironment environment, IEpisodeHost host)
    {
        this.engine = engine;
        this.tokenizer = tokenizer;
        this.environment = environment;
        this.host = host;
    }

    /// <summary>The first held-out questions.</summary>
    /// <exception cref="RefusedException">There are fewer; the message says how many.</exception>
    public static IReadOnlyList<Problem> FirstQuestions(IEnvironment environment, int count)
    {
        var have = environment.Count(Split.HeldOut);
        return have >= count
            ? [.. Enumerable.Range(0, count).Select(i => environment.GetProblem(Split.HeldOut, i))]
            : throw new RefusedException($"the environment has {have} held-out questions, {count} are asked for; lower evaluation.questions");
    }

    /// <summary>The first held-out questions of one category.</summary>
    /// <exception cref="RefusedException">Too few are found among the first few thousand.</exception>
    public static IReadOnlyList<Problem> FirstQuestions(IEnvironment environment, string category, int count)
    {
        var look = Math.Min(environment.Count(Split.HeldOut), 100L * count);
        var found = new List<Problem>();
        var others = new SortedSet<string>(StringComparer.Ordinal);
        for (long i = 0; i < look && found.Count < count; i++)
        {
            var problem = environment.GetProblem(Split.HeldOut, i);
            if (problem.Category == category)
            {
                found.Add(problem);
            }
            else
            {
                others.Add(problem.Category);
            }
        }
        return found.Count == count
            ? found
            : throw new RefusedException($"only {found.Count} of the first {look} held-out questions are of category '{category}', {count} are asked for; categories seen: {string.Join(", ", others.Take(10))}");
    }

    /// <summary>Asks the questions.</summary>
    /// <exception cref="RefusedException">The engine failed or fell silent.</exception>
    /// <exception cref="OperationCanceledException">The caller gave up.</exception>
    public IReadOnlyList<EvaluatedEpisode> Ask(IReadOnlyList<Problem> problems, CancellationToken cancel)
    {
        var results = new EvaluatedEpisode?[problems.Count];
        var underWay = new HashSet<Conversation>();
        var next = 0;
        var done = 0;
        try
        {
            while (done < problems.Count)
            {
                while (next < problems.Count && underWay.Count < MostAtOnce)
                {
                    var index = next++;
                    var conversation = new Conversation(this, problems[index], Interlocked.Increment(ref lastSequence));
                    underWay.Add(conversation);
                    conversation.Begin(episode =>
                    {
                        results[index] = episode;
                        underWay.Remove(conversation);
                        conversation.End();
                        done++;
                    });
                }
                if (done < problems.Count)
                {
                    if (!arrived.TryTake(out var arrival, (int)LongestSilence.TotalMilliseconds, cancel))
                    {
                        throw new RefusedException($"neither engine nor environment has answered for {LongestSilence.TotalSeconds} s with {underWay.Count} questions under way; --debug shows where");
                    }
                    arrival();
                }
            }
        }
        finally
        {
            foreach (var conversation in underWay)
            {
                conversation.End();
            }
        }
        return results!;
    }

    /// <summary>One question under way; used on the asking thread only, replies come to it through <see cref="arrived"/>.</summary>
    private sealed class Conversation(HeldOutEvaluator owner, Problem problem, long sequence)
    {
        private readonly IEpisode episode = owner.environment.Start(problem);
        private readonly List<(string Action, string? Observation)> turns = [];
        private Action<EvaluatedEpisode> finished = _ => { };
        private int contextTokens;

        private EnvironmentFormat Format => owner.environment.Format;

        public void Begin(Action<EvaluatedEpisode> whenFinished)
        {
            finished = whenFinished;
            Generate(owner.tokenizer.Encode(problem.Prompt));
        }

        public void End()
        {
            owner.engine.Release(sequence);
            owner.host.End(episode);
        }

        private void Generate(int[] append)
        {
            if (contextTokens + append.Length >= owner.engine.Limits.ContextLength)
            {
                Finish(Outcome.Truncated, Format.Rewards.Truncated);
                return;
            }
            contextTokens += append.Length;
            var request = new GenerateRequest(sequence, append, SamplingOptions.Greedy, 0, Format.MaxTurnTokens, Format.StopStrings);
            owner.engine.Generate(request, reply => owner.arrived.Add(() => Sampled(reply)));
        }

        private void Sampled(GenerateReply reply)
        {
            if (reply.Finish == FinishReason.Failed)
            {
                throw new RefusedException(reply.Error?.Message ?? "the engine failed without a word");
            }
            contextTokens += reply.Tokens.Length;
            var action = owner.tokenizer.Decode(reply.Tokens.Span);
            turns.Add((action, null));
            if (reply.Finish != FinishReason.Stop)
            {
                Finish(Outcome.Truncated, Format.Rewards.Truncated);
                return;
            }
            owner.host.Step(episode, action, Format.ToolTimeLimit, result => owner.arrived.Add(() => Stepped(result)));
        }

        private void Stepped(StepResult result)
        {
            switch (result)
            {
                case StepResult.Finished end:
                    Finish(end.Outcome, end.Reward);
                    break;
                case StepResult.Observation when turns.Count >= Format.MaxTurns:
                    Finish(Outcome.TurnsExhausted, Format.Rewards.TurnsExhausted);
                    break;
                case StepResult.Observation observation:
                    turns[^1] = (turns[^1].Action, observation.Text);
                    Generate(owner.tokenizer.Encode(observation.Text));
                    break;
            }
        }

        private void Finish(Outcome outcome, double reward) => finished(new EvaluatedEpisode(problem, outcome, reward, turns));
    }
}
